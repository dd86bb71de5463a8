/** A running sandbox: streams, execs, signals, limits, and being found again by another daemon. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../../engine/isolation/backend.ts";
import type { NamespaceBackend } from "../../../engine/isolation/namespace/backend.ts";
import { resolveExec } from "../../../engine/spec/resolve-process.ts";
import { resolveResources } from "../../../engine/spec/resolve-resources.ts";
import { NO_DEVICES } from "../../../engine/spec/host-view.ts";
import type { RunSpec } from "../../../engine/spec/run-spec.ts";
import { hostDefaults } from "../../support/config-defaults.ts";
import { isRoot, processesWith } from "../../support/machine.ts";
import { SandboxBed, type SpecOptions } from "../../support/sandbox.ts";

const ALL = { stdin: true, stdout: true, stderr: true };
const ROOT_USER = { uid: 0, gid: 0, additionalGids: [0], home: "/root" };
let execs = 0;

async function text(output: Readable, raw = true): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of output) parts.push(part as Buffer);
  const all = Buffer.concat(parts);
  if (raw) return all.toString();
  let out = "";
  for (let at = 0; at < all.length; ) {
    const length = all.readUInt32BE(at + 4);
    out += all.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return out;
}
async function until(output: Readable, needle: string): Promise<string> {
  let seen = "";
  while (!seen.includes(needle)) {
    const part = output.read() as Buffer | null;
    if (part === null) await once(output, "readable");
    else seen += part.toString("latin1");
  }
  return seen;
}

describe.skipIf(!isRoot)("a running sandbox", () => {
  let bed: SandboxBed;
  beforeAll(() => {
    bed = new SandboxBed();
  });
  afterAll(async () => {
    const { root, name } = bed;
    await bed[Symbol.asyncDispose]();
    expect(processesWith([root, name])).toEqual([]);
    expect(existsSync(`/sys/fs/cgroup/memory/${name}`)).toBe(false);
  });

  async function start(
    args: readonly string[],
    options: SpecOptions = {},
  ): Promise<{ sandbox: Sandbox; spec: RunSpec }> {
    const spec = bed.spec(args, options);
    const request = bed.request(spec, { startAtOnce: false });
    const sandbox = bed.track(await bed.backend.create(request));
    return { sandbox, spec };
  }
  const exec = (
    sandbox: Sandbox,
    spec: RunSpec,
    cmd: readonly string[],
    extra: { tty?: boolean; privileged?: boolean } = {},
  ) => {
    const request = {
      attachStdin: true,
      attachStdout: true,
      attachStderr: true,
      tty: extra.tty ?? false,
      cmd,
      env: ["EXTRA=1"],
      user: "",
      workingDir: "",
      privileged: extra.privileged ?? false,
      detachKeys: "",
      consoleSize: null,
    };
    return sandbox.exec(`e${execs++}`.padStart(16, "0"), resolveExec(spec, request, ROOT_USER, bed.view), ALL);
  };

  it("parks at the gate, loses no output of the start, and reads stdin", async () => {
    const { sandbox } = await start(["/bin/hello", "cat"], { config: { openStdin: true, stdinOnce: true } });
    const session = await sandbox.attach(ALL);
    await sandbox.start();
    await sandbox.start();
    await session.write(Buffer.from("in and out\n"));
    await session.endStdin();
    expect(await text(session.output, false)).toBe("in and out\n");
    expect((await sandbox.exited).code).toBe(0);
  });

  it("has a terminal with a size", async () => {
    const { sandbox } = await start(["/bin/hello", "tty"], {
      config: { tty: true, openStdin: true },
      host: { consoleSize: [33, 101] },
    });
    const session = await sandbox.attach(ALL);
    await sandbox.start();
    expect(await until(session.output, "33")).toContain("101");
    await sandbox.resize(40, 120);
    await until(session.output, "120");
    await sandbox.signal(9);
    expect(await sandbox.exited).toMatchObject({ code: 137, signal: 9 });
  });

  it("runs programs inside, several at once, with their own status", async () => {
    const { sandbox, spec } = await start(["/bin/hello", "sleep", "600"], {
      config: { env: ["FROM=container"], hostname: "inner" },
    });
    await sandbox.start();
    const [env, name, code] = await Promise.all([
      exec(sandbox, spec, ["hello", "env"]),
      exec(sandbox, spec, ["/bin/hello", "hostname"]),
      exec(sandbox, spec, ["/bin/hello", "exit", "9"]),
    ]);
    expect((await text(env.session.output, false)).split("\n")).toEqual(
      expect.arrayContaining(["FROM=container", "EXTRA=1", "HOME=/root"]),
    );
    expect(await text(name.session.output, false)).toBe("inner\n");
    expect((await code.exited).code).toBe(9);
    await expect(exec(sandbox, spec, ["nosuch"])).rejects.toMatchObject({
      message:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
      details: expect.objectContaining({ exitCode: 127 }),
    });
    const caps = await exec(sandbox, spec, ["/bin/hello", "caps"]);
    const plain = await text(caps.session.output, false);
    const all = await text(
      (await exec(sandbox, spec, ["/bin/hello", "caps"], { privileged: true })).session.output,
      false,
    );
    expect(plain).not.toBe(all);
    const orphan = await exec(sandbox, spec, ["/bin/hello", "sleep", "600"]);
    orphan.session.close();
    await orphan.signal(15);
    expect((await orphan.exited).code).toBe(143);
    const last = await exec(sandbox, spec, ["/bin/hello", "sleep", "600"]);
    await sandbox.signal(9);
    expect((await sandbox.exited).code).toBe(137);
    await last.exited;
    await expect(exec(sandbox, spec, ["/bin/hello", "id"])).rejects.toMatchObject({ kind: "conflict" });
  });

  it("pauses, is killed while paused, and counts what it used", async () => {
    const { sandbox } = await start(["/bin/hello", "sleep", "600"], { host: { memory: 64 << 20 } });
    await sandbox.start();
    await sandbox.pause();
    expect(readFileSync(`/sys/fs/cgroup/freezer${sandbox.record.cgroupsPath}/freezer.state`, "utf8").trim()).toBe(
      "FROZEN",
    );
    await sandbox.resume();
    await sandbox.pause();
    const usage = await sandbox.usage();
    expect(usage.memory.limit).toBe(64 << 20);
    expect(usage.memory.usage).toBeGreaterThan(0);
    expect(usage.pids.current).toBe(1);
    expect(await sandbox.processes()).toEqual([sandbox.pid]);
    await sandbox.killAll();
    expect(await sandbox.exited).toMatchObject({ code: 137, signal: 9, reason: "" });
  });

  it("takes new limits while it runs, also in hierarchies it was not in", async () => {
    const { sandbox } = await start(["/bin/hello", "sleep", "600"], {
      host: { memory: 64 << 20, memorySwap: 64 << 20 },
    });
    await sandbox.start();
    const at = (controller: string, file: string): string =>
      readFileSync(`/sys/fs/cgroup/${controller}${sandbox.record.cgroupsPath}/${file}`, "utf8").trim();
    const host = { ...hostDefaults, memory: 128 << 20, memorySwap: 128 << 20, pidsLimit: 77, nanoCpus: 25e7 };
    expect(await sandbox.update(resolveResources(host, NO_DEVICES))).toEqual([]);
    expect(at("memory", "memory.limit_in_bytes")).toBe(String(128 << 20));
    expect(at("pids", "pids.max")).toBe("77");
    expect(at("pids", "cgroup.procs")).toBe(String(sandbox.pid));
    expect(at("cpu", "cpu.cfs_quota_us")).toBe("25000");
    await sandbox.update(resolveResources({ ...host, memory: 32 << 20, memorySwap: 32 << 20 }, NO_DEVICES));
    expect(at("memory", "memory.memsw.limit_in_bytes")).toBe(String(32 << 20));
    await sandbox.destroy();
    await sandbox.destroy();
  });

  describe("found again", () => {
    const reopen = async <T>(act: (backend: NamespaceBackend) => Promise<T>): Promise<T> => {
      const backend = bed.open();
      try {
        return await act(backend);
      } finally {
        await backend.close();
      }
    };

    it("while it runs: attach, exec and exit work", async () => {
      const { sandbox, spec } = await start(["/bin/hello", "cat"], { config: { openStdin: true, stdinOnce: true } });
      await sandbox.start();
      await reopen(async (backend) => {
        const found = await backend.recover(sandbox.record);
        if (found.status !== "running") throw new Error("not running");
        expect(found.sandbox.startedAt).toBe(sandbox.startedAt);
        expect(found.sandbox.pid).toBe(sandbox.pid);
        const inside = await exec(found.sandbox, spec, ["/bin/hello", "exit", "3"]);
        expect((await inside.exited).code).toBe(3);
        const session = await found.sandbox.attach(ALL);
        await session.write(Buffer.from("again"));
        await session.endStdin();
        expect(await text(session.output, false)).toBe("again");
        expect((await found.sandbox.exited).code).toBe(0);
        await found.sandbox.destroy();
      });
    });

    it("after it ended: the exit file tells, and what was left is gone", async () => {
      const { sandbox } = await start(["/bin/hello", "exit", "5"]);
      await sandbox.start();
      const exit = await sandbox.exited;
      await reopen(async (backend) => {
        expect(await backend.recover(sandbox.record)).toEqual({ status: "exited", exit });
        expect(existsSync(sandbox.record.runtimeDir)).toBe(false);
        expect(existsSync(`/sys/fs/cgroup/memory${sandbox.record.cgroupsPath}`)).toBe(false);
      });
    });

    it("with a stopped monitor: nobody waits, the kernel's word counts", async () => {
      const { sandbox } = await start(["/bin/hello", "sleep", "600"]);
      await sandbox.start();
      process.kill(sandbox.record.monitorPid, "SIGSTOP");
      await reopen(async (backend) => {
        const found = await backend.recover(sandbox.record);
        if (found.status !== "running") throw new Error("not running");
        await found.sandbox.signal(9);
        process.kill(sandbox.record.monitorPid, "SIGCONT");
        expect((await found.sandbox.exited).code).toBe(137);
        await found.sandbox.destroy();
      });
    });

    it("of another boot: dead", async () => {
      const { sandbox } = await start(["/bin/hello", "sleep", "600"]);
      await sandbox.start();
      const record = { ...sandbox.record, bootId: "another", exitPath: `${sandbox.record.exitPath}.none` };
      await reopen(async (backend) => {
        expect(await backend.recover(record)).toMatchObject({
          status: "exited",
          exit: { code: 255, reason: "the host was restarted" },
        });
      });
    });
  });

  it("is reported dead, with everything in it, when its monitor is killed", async () => {
    const { sandbox } = await start(["/bin/hello", "sleep", "600"]);
    await sandbox.start();
    process.kill(sandbox.record.monitorPid, "SIGKILL");
    expect(await sandbox.exited).toMatchObject({
      code: 137,
      reason: "the monitor process of the container was killed",
    });
    expect(await sandbox.processes()).toEqual([]);
    await sandbox.destroy();
  });

  it("is swept when no record names it", async () => {
    const { sandbox } = await start(["/bin/hello", "sleep", "600"]);
    await sandbox.start();
    const other = bed.open();
    await other.sweep(new Set());
    expect(existsSync(`/sys/fs/cgroup/memory${sandbox.record.cgroupsPath}`)).toBe(false);
    await sandbox.exited;
    await other.close();
  });
});
