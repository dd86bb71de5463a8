/** ctrd under systemd: the listening socket comes as descriptor 3, readiness goes to a datagram socket. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import koffi from "koffi";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { because, dist, distMissing } from "../../support/dist.ts";
import { ask } from "../../support/http.ts";
import { nothingLeft } from "../../support/machine.ts";
import { finished } from "../../support/process.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

const libc = koffi.load("libc.so.6");
const close = libc.func("int close(int)");

/** A bound unix socket as a bare descriptor: Node would accept connections itself, and has no datagram sockets. */
function bound(type: number, path: string): number {
  const fd: number = libc.func("int socket(int, int, int)")(AF_UNIX, type, 0);
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX);
  address.write(path, 2);
  if (libc.func("int bind(int, void *, int)")(fd, address, 2 + path.length + 1) !== 0)
    throw new Error(`cannot bind ${path}`);
  return fd;
}

/** systemd's side of sd_notify: waits for a message with this line. */
async function notified(fd: number, line: string): Promise<void> {
  const buffer = Buffer.alloc(4096);
  const recv = libc.func("long recv(int, _Out_ void *, long, int)");
  for (const end = performance.now() + 20_000; performance.now() < end; await delay(5)) {
    const length = Number(recv(fd, buffer, buffer.length, MSG_DONTWAIT));
    if (length > 0 && buffer.toString("utf8", 0, length).split("\n").includes(line)) return;
  }
  throw new Error(`no ${line} arrived`);
}

describe.skipIf(distMissing !== undefined)(`socket activation${because(distMissing)}`, () => {
  let root: string;
  let listening: number;
  let notify: number;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "tare-sd-"));
    listening = bound(SOCK_STREAM, join(root, "a.sock"));
    libc.func("int listen(int, int)")(listening, 16);
    notify = bound(SOCK_DGRAM, join(root, "notify"));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    close(listening);
    close(notify);
    rmSync(root, { recursive: true, force: true });
  });

  test("serves the socket it was given, says when it is ready and when it leaves, and does not unlink what is not its own", async () => {
    const places = ["--data-root", join(root, "data"), "--exec-root", join(root, "run"), "--host", "fd://"];
    const child = spawn("sh", ["-c", 'LISTEN_PID=$$ exec "$@"', "sh", dist("ctrd"), ...places], {
      env: { PATH: process.env["PATH"], LISTEN_FDS: "1", NOTIFY_SOCKET: join(root, "notify") },
      stdio: ["ignore", "pipe", "pipe", listening],
    });
    children.push(child);
    const result = finished(child, 40_000);
    await notified(notify, "READY=1");
    expect(await ask(join(root, "a.sock"), "GET", "/_ping")).toMatchObject({ status: 200, text: "OK" });
    child.kill("SIGTERM");
    await notified(notify, "STOPPING=1");
    expect(await result).toMatchObject({ status: 0 });
    expect(existsSync(join(root, "a.sock"))).toBe(true);
    await nothingLeft([join(root, "data"), join(root, "run")]);
  });

  test("a daemon whose log reader has gone goes on, and ends when it is told to", async () => {
    const socket = join(root, "own.sock");
    const places = ["--data-root", join(root, "data"), "--exec-root", join(root, "run"), "--host", `unix://${socket}`];
    const child = spawn(dist("ctrd"), [...places, "--log-level", "debug"], {
      env: { PATH: process.env["PATH"], NOTIFY_SOCKET: join(root, "notify") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    const ended = once(child, "exit", { signal: AbortSignal.timeout(40_000) });
    child.stdout.destroy();
    child.stderr.destroy();
    await notified(notify, "READY=1");
    expect(await ask(socket, "GET", "/containers/json")).toMatchObject({ status: 200 });
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });
});
