/** What the isolation does on cgroup v2; run in the guest by ../cgroup-v2.guest.ts. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import type { Exit, Sandbox } from "../../../engine/isolation/backend.ts";
import type { RunSpec } from "../../../engine/spec/run-spec.ts";
import { NO_DEVICES } from "../../../engine/spec/host-view.ts";
import { resolveResources } from "../../../engine/spec/resolve-resources.ts";
import { hostDefaults } from "../../support/config-defaults.ts";
import type { GuestTest } from "../../support/guest.ts";
import { SandboxBed, type SpecOptions } from "../../support/sandbox.ts";

async function withBed(act: (bed: SandboxBed) => Promise<void>): Promise<void> {
  const bed = new SandboxBed();
  const parent = `/sys/fs/cgroup/${bed.name}`;
  try {
    assert.equal(bed.backend.capabilities.cgroupVersion, 2);
    await act(bed);
  } finally {
    await bed[Symbol.asyncDispose]();
  }
  assert.equal(existsSync(parent), false, "the cgroup parent is gone");
}

async function start(
  bed: SandboxBed,
  args: readonly string[],
  options: SpecOptions = {},
): Promise<{ sandbox: Sandbox; spec: RunSpec }> {
  const spec = bed.spec(args, options);
  return { sandbox: bed.track(await bed.backend.create(bed.request(spec))), spec };
}
async function run(
  bed: SandboxBed,
  args: readonly string[],
  options: SpecOptions = {},
): Promise<{ exit: Exit; text: string }> {
  const { sandbox, spec } = await start(bed, args, options);
  const exit = await sandbox.exited;
  await sandbox.destroy();
  const lines = readFileSync(bed.logPath(spec), "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return { exit, text: lines.map((line) => (JSON.parse(line) as { log: string }).log).join("") };
}
const control = (sandbox: Sandbox, file: string): string =>
  readFileSync(`/sys/fs/cgroup${sandbox.record.cgroupsPath}/${file}`, "utf8").trim();

export const ISOLATION_TESTS: readonly GuestTest[] = [
  {
    name: "a container is in its own cgroup and sees it as the root of its namespace",
    run: () =>
      withBed(async (bed) => {
        const { text } = await run(bed, ["/bin/hello", "read", "/proc/self/cgroup"]);
        assert.equal(text, "0::/\n");
        assert.equal(
          (await run(bed, ["/bin/hello", "read", "/sys/fs/cgroup/pids.max"], { host: { pidsLimit: 33 } })).text,
          "33\n",
        );
      }),
  },
  {
    name: "limits are written in v2's units and can be changed",
    run: () =>
      withBed(async (bed) => {
        const host = {
          memory: 64 << 20,
          memorySwap: 96 << 20,
          nanoCpus: 5e8,
          cpuShares: 1024,
          pidsLimit: 20,
          cpusetCpus: "0",
        };
        const { sandbox } = await start(bed, ["/bin/hello", "sleep", "600"], { host });
        assert.equal(control(sandbox, "memory.max"), String(64 << 20));
        assert.equal(control(sandbox, "cpu.max"), "50000 100000");
        assert.equal(control(sandbox, "cpu.weight"), "100");
        assert.equal(control(sandbox, "pids.max"), "20");
        assert.equal(control(sandbox, "cpuset.cpus"), "0");
        if (
          bed.backend.capabilities.limits.has("swap") &&
          existsSync(`/sys/fs/cgroup${sandbox.record.cgroupsPath}/memory.swap.max`)
        ) {
          assert.equal(control(sandbox, "memory.swap.max"), String(32 << 20));
        }
        const warnings = await sandbox.update(
          resolveResources({ ...hostDefaults, memory: 128 << 20, memorySwap: 128 << 20, pidsLimit: 5 }, NO_DEVICES),
        );
        assert.deepEqual(
          warnings.filter((text) => !text.includes("MemorySwap")),
          [],
        );
        assert.equal(control(sandbox, "memory.max"), String(128 << 20));
        assert.equal(control(sandbox, "pids.max"), "5");
        const usage = await sandbox.usage();
        assert.equal(usage.memory.limit, 128 << 20);
        assert.equal(usage.pids.current, 1);
        assert.ok(usage.cpu.totalNs > 0);
        await sandbox.destroy();
      }),
  },
  {
    name: "the kernel's kill for memory is reported",
    run: () =>
      withBed(async (bed) => {
        const { exit } = await run(bed, ["/bin/hello", "alloc", "64"], {
          host: { memory: 16 << 20, memorySwap: 16 << 20 },
        });
        assert.equal(exit.code, 137);
        assert.equal(exit.oomKilled, true);
      }),
  },
  {
    name: "a kill of an exec'd process is told as it happens, through memory.events, and the container goes on",
    run: () =>
      withBed(async (bed) => {
        const host = { memory: 16 << 20, memorySwap: 16 << 20 };
        const { sandbox, spec } = await start(bed, ["/bin/hello", "sleep", "600"], { host });
        const told = new Promise<string>((resolve) => sandbox.onEvent(({ type }) => resolve(type)));
        const handle = await sandbox.exec(
          "0123456789abcdef",
          { ...spec.process, args: ["/bin/hello", "alloc", "64"] },
          { stdin: false, stdout: true, stderr: true },
        );
        handle.session.output.resume();
        assert.equal((await handle.exited).code, 137);
        assert.equal(await told, "oom");
        assert.deepEqual([...(await sandbox.processes())], [sandbox.pid]);
        await sandbox.killAll();
        await sandbox.exited;
        await sandbox.destroy();
      }),
  },
  {
    name: "pause freezes, a paused container can be killed",
    run: () =>
      withBed(async (bed) => {
        const { sandbox } = await start(bed, ["/bin/hello", "sleep", "600"]);
        await sandbox.pause();
        assert.match(control(sandbox, "cgroup.events"), /frozen 1/);
        await sandbox.resume();
        await sandbox.pause();
        await sandbox.killAll();
        assert.equal((await sandbox.exited).code, 137);
      }),
  },
  {
    name: "devices outside the list are refused by the kernel, those on it work",
    run: () =>
      withBed(async (bed) => {
        const mounts: RunSpec["mounts"] = [
          { type: "bind", source: "/dev/kmsg", destination: "/dev/kmsg", options: ["bind"] },
        ];
        const denied = await run(bed, ["/bin/hello", "read", "/dev/kmsg"], { mounts });
        assert.notEqual(denied.exit.code, 0);
        assert.match(denied.text, /not permitted/);
        assert.equal((await run(bed, ["/bin/hello", "write", "/dev/null", "x"], { mounts })).exit.code, 0);
      }),
  },
  {
    name: "execs are cloned into the cgroup as well",
    run: () =>
      withBed(async (bed) => {
        const { sandbox, spec } = await start(bed, ["/bin/hello", "sleep", "600"]);
        const handle = await sandbox.exec(
          "0123456789abcdef",
          { ...spec.process, args: ["/bin/hello", "sleep", "600"] },
          { stdin: false, stdout: true, stderr: true },
        );
        assert.deepEqual([...(await sandbox.processes())].sort(), [sandbox.pid, handle.pid].sort());
        await sandbox.destroy();
      }),
  },
];
