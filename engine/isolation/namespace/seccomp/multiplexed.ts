/**
 * 32-bit x86 makes socket and System V IPC calls also through `socketcall(number, …)` and `ipc(number, …)`. A rule about
 * `socket` is about these too. The arguments lie in the caller's memory, out of a filter's sight, so of a rule with conditions
 * there only the cautious reading can be kept: one that restricts holds for every such call, one that permits for none.
 */
import type { Architecture } from "./architectures.ts";
import type { Comparison } from "./comparisons.ts";

const numbered = (entry: string, mask: bigint, calls: Readonly<Record<string, number>>) =>
  Object.entries(calls).map(([name, number]) => [name, { entry, mask, number }] as const);

const SOCKETCALL = {
  socket: 1,
  bind: 2,
  connect: 3,
  listen: 4,
  accept: 5,
  getsockname: 6,
  getpeername: 7,
  socketpair: 8,
  send: 9,
  recv: 10,
  sendto: 11,
  recvfrom: 12,
  shutdown: 13,
  setsockopt: 14,
  getsockopt: 15,
  sendmsg: 16,
  recvmsg: 17,
  accept4: 18,
  recvmmsg: 19,
  sendmmsg: 20,
};
const IPC = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};
/** The kernel takes the upper half of ipc's number as a version: it must not hide the call. */
const MULTIPLEXED = new Map([...numbered("socketcall", 0xffff_ffffn, SOCKETCALL), ...numbered("ipc", 0xffffn, IPC)]);

export interface Entry {
  /** Name of the call that carries it. */
  readonly entry: string;
  readonly condition: Comparison;
}

export function multiplexedEntry(architecture: Architecture, name: string): Entry | undefined {
  const found = architecture.column === "i386" ? MULTIPLEXED.get(name) : undefined;
  if (found === undefined) return undefined;
  const { entry, mask, number } = found;
  return { entry, condition: { index: 0, bits: 32, op: "MASKED", mask, value: BigInt(number) } };
}
