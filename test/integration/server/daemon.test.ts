/** ctrd as a process: where it listens, who else may, how it ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RawClient } from "../../contract/raw-client.ts";
import { busyboxArchive, busyboxPath } from "../../support/busybox-image.ts";
import { startDaemon, TestDaemon } from "../../support/daemon.ts";
import { run } from "../../support/process.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
const NODE = join(REPOSITORY, "node_modules/.bin/node");
const ctrd = (...args: string[]) =>
  run(NODE, [join(REPOSITORY, "api/server/main.ts"), ...args], { env: { PATH: process.env["PATH"] } });

describe("wrong flags end with status 1 and a sentence that names the flag", () => {
  it.each([
    [["--bogus"], "unknown flag: --bogus"],
    [["--data-root"], "flag needs an argument: --data-root"],
    [["--data-root", "relative"], "data-root"],
    [["--host", "tcp://0.0.0.0:1"], "tcp://0.0.0.0:1"],
    [["--host", "fd://"], "fd://"],
    [["--log-level", "loud"], "--log-level"],
    [["--config", "/no/such/file.json"], "/no/such/file.json"],
    [["stray"], "stray"],
  ])("%j", async (args, named) => {
    const { status, stderr } = await ctrd(...args);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^ctrd: /)]);
    expect(stderr).toContain(named);
  });
});

describe.skipIf(process.getuid?.() !== 0)("listening (needs root)", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tare-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const places = (name: string, socket: string): string[] => {
    const root = join(folder, name);
    mkdirSync(root, { recursive: true });
    return ["--data-root", join(root, "d"), "--exec-root", join(root, "r"), "--host", `unix://${socket}`];
  };

  it("several hosts, mode 0660, a pid file, both removed or refused as they should be", async () => {
    const second = join(folder, "second.sock");
    const daemon = await startDaemon({ args: ["--host", `unix://${second}`, "--host", "tcp://127.0.0.1:0"] });
    try {
      expect(statSync(daemon.socket).mode & 0o777).toBe(0o660);
      expect(statSync(second).mode & 0o777).toBe(0o660);
      expect(Number(readFileSync(join(daemon.execRoot, "ctrd.pid"), "utf8"))).toBe(daemon.pid);
      // Another daemon may have neither its socket nor its root.
      const stolen = await ctrd(...places("other", daemon.socket));
      expect([stolen.status, stolen.stderr]).toEqual([1, expect.stringContaining("another daemon answers there")]);
      const rooted = await ctrd(
        "--data-root",
        daemon.dataRoot,
        "--exec-root",
        join(folder, "x"),
        "--host",
        `unix://${folder}/y.sock`,
      );
      expect([rooted.status, rooted.stderr]).toEqual([1, expect.stringContaining(String(daemon.pid))]);
      expect((await daemon.ask("GET", "/_ping")).text).toBe("OK");
      await daemon.stop();
      expect(existsSync(join(daemon.execRoot, "ctrd.pid"))).toBe(false);
      expect(existsSync(daemon.socket)).toBe(false);
      await daemon.start();
    } finally {
      await daemon[Symbol.asyncDispose]();
    }
  });

  it("takes a dead daemon's socket over, and nothing else's place", async () => {
    const daemon = await startDaemon();
    try {
      await daemon.kill();
      expect(existsSync(daemon.socket)).toBe(true);
      await daemon.start();
    } finally {
      await daemon[Symbol.asyncDispose]();
    }
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    const refused = await ctrd(...places("file-root", file));
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("is not a socket")]);
    expect(readFileSync(file, "utf8")).toBe("precious");
  });

  it("somebody else's socket is left alone", async () => {
    const path = join(folder, "foreign.sock");
    const foreign = createServer((socket) => socket.end());
    foreign.listen(path);
    await once(foreign, "listening");
    const refused = await ctrd(...places("foreign", path));
    expect(refused.status).toBe(1);
    expect(existsSync(path)).toBe(true);
    foreign.close();
  });

  it("ends with status 0 on SIGTERM while starting or serving", async () => {
    const socket = join(folder, "term.sock");
    const child = spawn(NODE, [join(REPOSITORY, "api/server/main.ts"), ...places("term", socket)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let log = "";
    child.stderr.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('"ready"')) child.kill("SIGTERM");
    });
    expect(await once(child, "close")).toEqual([0, null]);
    expect(log).toMatch(/"msg":"ready".*"ms":\d+/);
  });
});

describe.skipIf(busyboxPath === undefined)("ending while it serves (needs busybox-static)", () => {
  it("streams are let go, containers go on, the next daemon has them", async () => {
    await using daemon: TestDaemon = await startDaemon();
    await daemon.ask("POST", "/images/load", { body: (await busyboxArchive()).archive });
    const body = { Image: "busybox", Cmd: ["sh", "-c", "echo up; read x; echo $x; sleep 1000"], OpenStdin: true };
    const { Id } = (await daemon.ask("POST", "/containers/create?name=kept", { body })).json as { Id: string };
    await daemon.ask("POST", `/containers/${Id}/start`);
    const requests = [
      `GET /containers/${Id}/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n`,
      "GET /events HTTP/1.1\r\nHost: x\r\n\r\n",
      `POST /containers/${Id}/wait HTTP/1.1\r\nHost: x\r\n\r\n`,
      `POST /containers/${Id}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
    ];
    const clients: RawClient[] = [];
    for (const request of requests) {
      const client = await RawClient.connect(daemon.socket);
      client.send(request);
      await client.head();
      clients.push(client);
    }
    await daemon.stop();
    for (const client of clients) {
      await client.rest();
      client.close();
    }
    await daemon.start();
    const { State } = (await daemon.ask("GET", `/containers/${Id}/json`)).json as { State: { Running: boolean } };
    expect(State.Running).toBe(true);
    const again = await RawClient.connect(daemon.socket);
    again.send(requests[3] ?? "");
    await again.head();
    again.send("still there\n");
    expect((await again.bytes(8 + 12)).subarray(8).toString()).toBe("still there\n");
    again.close();
  });
});
