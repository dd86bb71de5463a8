/** ctrd under systemd: the listening socket comes as descriptor 3, readiness goes to a datagram socket. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
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
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** systemd's side of sd_notify: Node has no unix datagram sockets. */
class NotifySocket {
  readonly path: string;
  readonly #fd: number;
  readonly #libc = koffi.load("libc.so.6");

  constructor(path: string) {
    this.path = path;
    this.#fd = this.#libc.func("int socket(int, int, int)")(AF_UNIX, SOCK_DGRAM, 0);
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX);
    address.write(path, 2);
    if (this.#libc.func("int bind(int, void *, int)")(this.#fd, address, 2 + path.length + 1) !== 0)
      throw new Error(`cannot bind ${path}`);
  }

  /** The next message with this line. */
  async receive(line: string): Promise<string> {
    const buffer = Buffer.alloc(4096);
    const recv = this.#libc.func("long recv(int, _Out_ void *, long, int)");
    for (const end = performance.now() + 20_000; performance.now() < end; await delay(5)) {
      const length = Number(recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT));
      const text = length > 0 ? buffer.toString("utf8", 0, length) : "";
      if (text.split("\n").includes(line)) return text;
    }
    throw new Error(`no ${line} arrived`);
  }

  close(): void {
    this.#libc.func("int close(int)")(this.#fd);
  }
}

const fdOf = (server: Server): number =>
  (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;

describe.skipIf(distMissing !== undefined)(`socket activation${because(distMissing)}`, () => {
  let root: string;
  let listening: Server;
  let notify: NotifySocket;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "tare-sd-"));
    listening = createServer().listen(join(root, "a.sock"));
    await once(listening, "listening");
    notify = new NotifySocket(join(root, "notify"));
  });
  afterEach(() => {
    listening.close();
    notify.close();
    rmSync(root, { recursive: true, force: true });
  });

  test("serves the socket it was given, says when it is ready and when it leaves, and does not unlink what is not its own", async () => {
    const places = ["--data-root", join(root, "data"), "--exec-root", join(root, "run"), "--host", "fd://"];
    const child = spawn("sh", ["-c", 'LISTEN_PID=$$ exec "$@"', "sh", dist("ctrd"), ...places], {
      env: { PATH: process.env["PATH"], LISTEN_FDS: "1", NOTIFY_SOCKET: notify.path },
      stdio: ["ignore", "pipe", "pipe", fdOf(listening)],
    });
    const result = finished(child, 40_000);
    await notify.receive("READY=1");
    expect(await ask(join(root, "a.sock"), "GET", "/_ping")).toMatchObject({ status: 200, text: "OK" });
    child.kill("SIGTERM");
    await notify.receive("STOPPING=1");
    expect(await result).toMatchObject({ status: 0 });
    expect(listening.listening).toBe(true);
    await nothingLeft([join(root, "data"), join(root, "run")]);
  });
});
