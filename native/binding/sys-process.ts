/** Processes by descriptor, sealed memory files, socket pairs, eBPF programs. */
import { addressOf, check, cstring, libcFunction, numberOf, syscallFunction, systemCallError } from "./libc.ts";

const pidfdOpenCall = syscallFunction(434, ["int", "uint"]);
/** A descriptor of a process (thread group leader). Close it with `close`. ESRCH when there is none. */
export const pidfdOpen = (pid: number): number => check(pidfdOpenCall(pid, 0), "pidfd_open", String(pid));

const pidfdSendSignalCall = syscallFunction(424, ["int", "int", "const void *", "uint"]);
export const pidfdSendSignal = (pidfd: number, signal: number): void =>
  void check(pidfdSendSignalCall(pidfd, signal, null, 0), "pidfd_send_signal");

const pidfdGetfdCall = syscallFunction(438, ["int", "int", "uint"]);
export const pidfdGetfd = (pidfd: number, targetFd: number): number =>
  check(pidfdGetfdCall(pidfd, targetFd, 0), "pidfd_getfd");

const killCall = libcFunction("kill", "int", ["int", "int"]);
/** pid 0 and negative pids address groups and everyone: refused here. */
export const kill = (pid: number, signal: number): void => {
  if (!(pid > 0)) throw systemCallError(3, "kill", String(pid));
  check(killCall(pid, signal), "kill", String(pid));
};

const prctlCall = libcFunction("prctl", "int", ["int", "uint64_t", "uint64_t", "uint64_t", "uint64_t"]);
export const PRCTL = {
  setDumpable: 4,
  getDumpable: 3,
  setName: 15,
  capbsetRead: 23,
  getNoNewPrivs: 39,
  setChildSubreaper: 36,
} as const;
export const prctl = (option: number, a: bigint | number = 0, b: bigint | number = 0, c: bigint | number = 0): number =>
  check(prctlCall(option, a, b, c, 0), "prctl", String(option));

const memfdCreateCall = libcFunction("memfd_create", "int", ["const char *", "uint"]);
const fcntlCall = libcFunction("fcntl", "int", ["int", "int", "long"]);
export const MFD = { cloexec: 1, allowSealing: 2, exec: 0x10 } as const;
export const SEAL = { seal: 1, shrink: 2, grow: 4, write: 8 } as const;
const EINVAL = 22;
/** A memory file that can be sealed and executed (kernels with vm.memfd_noexec need MFD_EXEC, older ones refuse it). */
export function memfdCreate(name: string): number {
  const flags = MFD.cloexec | MFD.allowSealing;
  try {
    return check(memfdCreateCall(cstring(name, "memfd_create"), flags | MFD.exec), "memfd_create", name);
  } catch (error) {
    if ((error as { errno?: number }).errno !== -EINVAL) throw error;
    return check(memfdCreateCall(cstring(name, "memfd_create"), flags), "memfd_create", name);
  }
}
const F_ADD_SEALS = 1033;
export const addSeals = (fd: number, seals: number): void => void check(fcntlCall(fd, F_ADD_SEALS, seals), "fcntl");

const socketpairCall = libcFunction("socketpair", "int", ["int", "int", "int", "void *"]);
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
/** Two connected AF_UNIX stream sockets, close-on-exec. */
export function socketpair(): readonly [number, number] {
  const pair = new Int32Array(2);
  check(socketpairCall(1, SOCK_STREAM_CLOEXEC, 0, pair), "socketpair");
  return [pair[0] as number, pair[1] as number];
}

const eventfdCall = libcFunction("eventfd", "int", ["uint", "int"]);
const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;
export const eventfd = (initial = 0): number => check(eventfdCall(initial, EFD_CLOEXEC_NONBLOCK), "eventfd");

// ── eBPF: cgroup v2 device rules ────────────────────────────────────────────────────────────────────────────────
const bpfCall = syscallFunction(numberOf(321, 280), ["int", "void *", "uint"]);
export const BPF_ATTACH = { cgroupDevice: 6 } as const;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_F_ALLOW_MULTI = 2;
const LOG_BYTES = 64 << 10;

/** Loads a cgroup device program (struct bpf_insn[], 8 bytes each); a refusal carries the verifier's words. */
export function bpfLoadDeviceProgram(instructions: Uint8Array): number {
  const log = Buffer.alloc(LOG_BYTES);
  const licence = Buffer.from("Apache-2.0\0");
  const load = (withLog: boolean): number => {
    const attributes = Buffer.alloc(128);
    attributes.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0);
    attributes.writeUInt32LE(instructions.length / 8, 4);
    attributes.writeBigUInt64LE(addressOf(instructions), 8);
    attributes.writeBigUInt64LE(addressOf(licence), 16);
    if (withLog) {
      attributes.writeUInt32LE(1, 24);
      attributes.writeUInt32LE(log.length, 28);
      attributes.writeBigUInt64LE(addressOf(log), 32);
    }
    return bpfCall(5, attributes, attributes.length);
  };
  const fd = load(false);
  if (fd >= 0) return fd;
  const result = load(true);
  if (result >= 0) return result;
  const verifier = log.toString("latin1", 0, log.indexOf(0)).trim();
  return check(result, "bpf", verifier === "" ? "prog_load" : verifier);
}

/** BPF_PROG_ATTACH with ALLOW_MULTI. */
export function bpfAttach(cgroupFd: number, programFd: number, type: number = BPF_ATTACH.cgroupDevice): void {
  const attributes = Buffer.alloc(128);
  attributes.writeUInt32LE(cgroupFd, 0);
  attributes.writeUInt32LE(programFd, 4);
  attributes.writeUInt32LE(type, 8);
  attributes.writeUInt32LE(BPF_F_ALLOW_MULTI, 12);
  check(bpfCall(8, attributes, attributes.length), "bpf", "prog_attach");
}

export function bpfDetach(cgroupFd: number, programFd: number, type: number = BPF_ATTACH.cgroupDevice): void {
  const attributes = Buffer.alloc(128);
  attributes.writeUInt32LE(cgroupFd, 0);
  attributes.writeUInt32LE(programFd, 4);
  attributes.writeUInt32LE(type, 8);
  check(bpfCall(9, attributes, attributes.length), "bpf", "prog_detach");
}
