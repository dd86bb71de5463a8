/** attach, exec and logs against real processes. */
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACH, bytesOf, canRun, EXEC, LOGS, type Machine, openMachine, unframe } from "./engine.ts";

describe.skipIf(!canRun)("streams", () => {
  let m: Machine;
  beforeAll(async () => {
    m = await openMachine();
  });
  afterAll(() => m?.[Symbol.asyncDispose]());

  test("stdout and stderr apart, in frames", async () => {
    const id = await m.create(["sh", "-c", "echo out; echo err >&2"]);
    const session = await m.engine.containers.attach(id, { ...ATTACH, stdout: false });
    await m.engine.containers.start(id);
    const bytes = await bytesOf(session.output);
    expect([bytes[0], bytes.subarray(8).toString()]).toEqual([2, "err\n"]);
  });

  test("stdin with StdinOnce: what goes in comes out, the end closes it", async () => {
    const id = await m.create(["cat"], { config: { openStdin: true, stdinOnce: true } });
    const session = await m.engine.containers.attach(id, { ...ATTACH, stdin: true });
    await m.engine.containers.start(id);
    const output = bytesOf(session.output);
    const sent = Buffer.alloc(4 << 20, "0123456789abcdef\n");
    for (let at = 0; at < sent.length; at += 65536) await session.write(sent.subarray(at, at + 65536));
    await session.endStdin();
    expect(unframe(await output) === sent.toString()).toBe(true);
    expect((await m.engine.containers.wait(id, "not-running").result).exitCode).toBe(0);
  });

  test("two clients see the same; one that leaves disturbs no one", async () => {
    const id = await m.create(["sh", "-c", "read x; echo got $x; read x; echo got $x"], {
      config: { openStdin: true },
    });
    const { containers } = m.engine;
    const first = await containers.attach(id, { ...ATTACH, stdin: true });
    await containers.start(id);
    const second = await containers.attach(id, { ...ATTACH, stdin: true });
    const chunks: Buffer[] = [];
    const gotA = Promise.withResolvers<void>();
    second.output.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (unframe(Buffer.concat(chunks)) === "got a\n") gotA.resolve();
    });
    const ended = once(second.output, "end");
    await first.write(Buffer.from("a\n"));
    first.close();
    await gotA.promise;
    await second.write(Buffer.from("b\n"));
    await ended;
    expect(unframe(Buffer.concat(chunks))).toBe("got a\ngot b\n");
  });

  test("a terminal: raw bytes, its size, resize", async () => {
    const id = await m.create(["sh"], { config: { tty: true, openStdin: true }, host: { consoleSize: [20, 60] } });
    const { containers } = m.engine;
    const session = await containers.attach(id, { ...ATTACH, stdin: true });
    await containers.start(id);
    const output = bytesOf(session.output);
    await containers.resize(id, 33, 77);
    await session.write(Buffer.from("stty size; tty; exit 9\n"));
    const text = (await output).toString();
    expect(text).toContain("33 77\r\n");
    expect(text).toContain("/dev/");
    expect((await containers.wait(id, "not-running").result).exitCode).toBe(9);
  });

  test("exec: environment, user, directory, exit codes, errors, terminal", async () => {
    const id = await m.up(["sleep", "1000"], { config: { env: ["FROM=container"] } });
    const { output, exitCode } = await m.exec(id, ["sh", "-c", "echo $FROM $MORE; id -un; pwd; exit 3"], {
      env: ["MORE=exec"],
      user: "nobody",
      workingDir: "/var",
    });
    expect({ output, exitCode }).toEqual({ output: "container exec\nnobody\n/var\n", exitCode: 3 });
    await expect(m.exec(id, ["nope"])).rejects.toThrow("executable file not found in $PATH");
    await expect(m.engine.containers.execCreate(id, { ...EXEC, cmd: ["true"], user: "ghost" })).rejects.toThrow(
      "unable to find user ghost",
    );
    await expect(m.exec(id, ["true"], { workingDir: "/not/there" })).rejects.toThrow(
      'chdir to cwd ("/not/there") failed: no such file or directory',
    );
    expect((await m.exec(id, ["ls", "/not"])).exitCode).toBe(1);
    await expect(m.exec(id, ["true"], { workingDir: "rel" })).rejects.toThrow("the working directory 'rel' is invalid");
    expect((await m.exec(id, ["tty"], { tty: true })).output).toMatch(/^\/dev\//);
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, i) => m.exec(id, ["sh", "-c", `echo ${i}; exit ${i}`])),
    );
    expect(many).toEqual(many.map((_, i) => ({ output: `${i}\n`, exitCode: i })));
    await m.engine.containers.remove(id, { force: true, volumes: false });
  });

  test("a container that ends takes its execs along: 137", async () => {
    const id = await m.up(["sleep", "1000"]);
    const started = new Promise<void>((resolve) => {
      const leave = m.engine.events.subscribe(({ action }) => {
        if (!action.startsWith("exec_start")) return;
        leave();
        resolve();
      });
    });
    const exec = m.exec(id, ["sleep", "1000"]);
    await started;
    await m.engine.containers.kill(id, "");
    expect((await exec).exitCode).toBe(137);
  });

  test("logs: a follower that comes before the start and one in between see every line once, over rotations", async () => {
    const lines = 60_000;
    const logConfig = { type: "json-file", config: { "max-size": "1m", "max-file": "20" } };
    const id = await m.create(["seq", "1", String(lines)], { host: { logConfig } });
    const { containers } = m.engine;
    await containers.start(id);
    const followers = [1, 2, 3].map(() => bytesOf(containers.logs(id, { ...LOGS, follow: true })));
    const expected = Array.from({ length: lines }, (_, i) => i + 1).join("\n");
    for (const follower of followers) expect(unframe(await follower).trimEnd() === expected).toBe(true);
    expect(unframe(await bytesOf(containers.logs(id, LOGS))).trimEnd() === expected).toBe(true);
    expect(unframe(await bytesOf(containers.logs(id, { ...LOGS, tail: 2 })))).toBe(`${lines - 1}\n${lines}\n`);
    appendFileSync(containers.find(id).logPath, "{");
    expect(unframe(await bytesOf(containers.logs(id, { ...LOGS, tail: 1 })))).toBe(`${lines}\n`);
  });

  test("attach with logs=1 replays, then goes on", async () => {
    const id = await m.up(["sh", "-c", "echo before; read x; echo after"], { config: { openStdin: true } });
    const { containers } = m.engine;
    for await (const chunk of containers.logs(id, { ...LOGS, follow: true }))
      if (String(chunk).includes("before")) break;
    const session = await containers.attach(id, { ...ATTACH, logs: true, stdin: true });
    const output = bytesOf(session.output);
    await session.write(Buffer.from("go\n"));
    expect(unframe(await output)).toBe("before\nafter\n");
  });

  test("driver none keeps nothing and says so", async () => {
    const id = await m.up(["true"], { host: { logConfig: { type: "none", config: {} } } });
    expect(() => m.engine.containers.logs(id, LOGS)).toThrow("configured logging driver does not support reading");
    expect(m.engine.containers.find(id).logPath).toBe("");
  });
});
