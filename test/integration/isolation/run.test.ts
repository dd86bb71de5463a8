/** One container from plan to exit on the real kernel: what runs, what it sees, how it ends, how it fails. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Exit, Sandbox } from "../../../engine/isolation/backend.ts";
import { isRoot, processesWith } from "../../support/machine.ts";
import { SandboxBed, type SpecOptions } from "../../support/sandbox.ts";

interface Ran {
  readonly exit: Exit;
  readonly stdout: string;
  readonly sandbox: Sandbox;
}

describe.skipIf(!isRoot)("a container in namespaces", () => {
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

  async function run(args: readonly string[], options: SpecOptions = {}): Promise<Ran> {
    const spec = bed.spec(args, options);
    const sandbox = bed.track(await bed.backend.create(bed.request(spec)));
    const exit = await sandbox.exited;
    await sandbox.destroy();
    const log = readFileSync(bed.logPath(spec), "utf8");
    const lines = log.split("\n").filter((line) => line !== "");
    return { exit, stdout: lines.map((line) => (JSON.parse(line) as { log: string }).log).join(""), sandbox };
  }
  const failure = async (
    args: readonly string[],
    options: SpecOptions = {},
  ): Promise<Error & { details: Record<string, unknown> }> => {
    const spec = bed.spec(args, options);
    const request = bed.request(spec);
    const error = await bed.backend.create(request).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    expect(existsSync(request.runtimeDir)).toBe(false);
    expect(existsSync(`/sys/fs/cgroup/memory${spec.cgroupsPath}`)).toBe(false);
    expect(processesWith([spec.id.slice(0, 12)])).toEqual([]);
    return error as Error & { details: Record<string, unknown> };
  };

  it("runs a program, logs what it prints, and leaves nothing", async () => {
    const { exit, stdout, sandbox } = await run(["/bin/hello", "echo", "hi there"]);
    expect(exit).toMatchObject({ code: 0, signal: null, oomKilled: false, reason: "" });
    expect(stdout).toBe("hi there\n");
    expect(sandbox.startedAt).toMatch(/^\d{4}-.*\.\d{9}Z$/);
    expect(existsSync(sandbox.record.runtimeDir)).toBe(false);
    expect(existsSync(`/sys/fs/cgroup/memory${sandbox.record.cgroupsPath}`)).toBe(false);
  });

  it.each([0, 1, 7, 125, 126, 127, 255])("gives exit code %i", async (code) => {
    expect((await run(["/bin/hello", "exit", String(code)])).exit.code).toBe(code);
  });

  it("finds a program in PATH and gives it Docker's environment", async () => {
    const { stdout } = await run(["hello", "env"], { config: { env: ["PATH=/nowhere:/bin", "A=1"], hostname: "box" } });
    expect(stdout.split("\n").sort()).toEqual(["", "A=1", "HOME=/root", "HOSTNAME=box", "PATH=/nowhere:/bin"].sort());
  });

  it("is pid 1, or 2 behind --init", async () => {
    const plain = await run(["/bin/hello"]);
    expect(plain.stdout).toMatch(/pid\s+1\b/);
    const init = await run(["/bin/hello"], { host: { init: true } });
    expect(init.stdout).toMatch(/pid\s+2\b/);
    expect((await run(["/bin/hello", "exit", "42"], { host: { init: true } })).exit.code).toBe(42);
  });

  it("has no inheritable capabilities, Docker's bounding set and a filter", async () => {
    const { stdout } = await run(["/bin/hello", "caps"]);
    expect(stdout).toMatch(/inheritable\s+0+\b|CapInh:\s*0+\b/i);
    expect(stdout).toMatch(/a80425fb/);
  });

  it("runs as another user with its groups, without power", async () => {
    const { stdout } = await run(["/bin/hello", "id"], {
      user: { uid: 1000, gid: 50, additionalGids: [50, 7], home: "/" },
    });
    expect(stdout).toMatch(/uid 1000 gid 50 groups 50 7|uid 1000 gid 50 groups 7 50/);
  });

  it("changes to the working directory and makes it when missing", async () => {
    expect((await run(["/bin/hello", "pwd"], { config: { workingDir: "/made/here" } })).stdout).toBe("/made/here\n");
    const readonly = await run(["/bin/hello", "pwd"], {
      config: { workingDir: "/made/too" },
      host: { readonlyRootfs: true },
    });
    expect(readonly.stdout).toBe("/made/too\n");
  });

  it("cannot write a read-only root, but the tmpfs in it", async () => {
    const denied = await run(["/bin/hello", "write", "/x", "y"], { host: { readonlyRootfs: true } });
    expect(denied.exit.code).not.toBe(0);
    const mounts = [{ type: "tmpfs", source: "tmpfs", destination: "/scratch", options: ["nosuid", "size=1m"] }];
    expect(
      (await run(["/bin/hello", "write", "/scratch/x", "y"], { host: { readonlyRootfs: true }, mounts })).exit.code,
    ).toBe(0);
  });

  it("binds host directories and files, read-only when asked", async () => {
    const dir = join(bed.root, "shared");
    mkdirSync(dir);
    writeFileSync(join(dir, "file"), "from the host");
    const bind = (source: string, destination: string, ...options: string[]) => ({
      type: "bind",
      source,
      destination,
      options: ["rbind", "rprivate", ...options],
    });
    const read = await run(["/bin/hello", "read", "/data/file"], { mounts: [bind(dir, "/data", "rro")] });
    expect(read.stdout).toContain("from the host");
    expect(
      (await run(["/bin/hello", "write", "/data/new", "x"], { mounts: [bind(dir, "/data", "rro")] })).exit.code,
    ).not.toBe(0);
    expect((await run(["/bin/hello", "write", "/data/new", "x"], { mounts: [bind(dir, "/data")] })).exit.code).toBe(0);
    expect(readFileSync(join(dir, "new"), "utf8").trim()).toBe("x");
    expect(
      (await run(["/bin/hello", "read", "/etc/one"], { mounts: [bind(join(dir, "file"), "/etc/one")] })).stdout,
    ).toContain("from the host");
  });

  it("mounts nothing on the host", async () => {
    const spec = bed.spec(["/bin/hello", "sleep", "60"]);
    const sandbox = bed.track(await bed.backend.create(bed.request(spec)));
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(bed.root);
    await sandbox.destroy();
  });

  it("sets sysctls of its own namespaces", async () => {
    const { stdout } = await run(["/bin/hello", "read", "/proc/sys/net/ipv4/ip_forward"], {
      host: { sysctls: { "net.ipv4.ip_forward": "1" } },
    });
    expect(stdout.trim()).toBe("1");
  });

  it("sets ulimits", async () => {
    const { stdout } = await run(["/bin/hello", "read", "/proc/self/limits"], {
      host: { ulimits: [{ name: "nofile", soft: 123, hard: 456 }] },
    });
    expect(stdout).toMatch(/Max open files\s+123\s+456/);
  });

  it("limits memory and says that the kernel killed", async () => {
    const { exit } = await run(["/bin/hello", "alloc", "64"], { host: { memory: 16 << 20, memorySwap: 16 << 20 } });
    expect(exit.code).toBe(137);
    expect(exit.oomKilled).toBe(true);
  });

  it("limits processes and cpu, and shows it in its cgroup", async () => {
    const { stdout } = await run(["/bin/hello", "read", "/sys/fs/cgroup/pids/pids.max"], {
      host: { pidsLimit: 50, nanoCpus: 5e8, cpusetCpus: "0" },
    });
    expect(stdout.trim()).toBe("50");
    const cpu = await run(["/bin/hello", "read", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"], { host: { nanoCpus: 5e8 } });
    expect(cpu.stdout.trim()).toBe("50000");
  });

  it("has a user namespace of its own", async () => {
    const start = 0x2ff00000;
    const { stdout } = await run(["/bin/hello", "read", "/proc/self/uid_map"], {
      host: { usernsMode: "auto" },
      idRange: { start, size: 65536 },
    });
    expect(stdout.trim().split(/\s+/)).toEqual(["0", String(start), "65536"]);
    const written = await run(["/bin/hello", "write", "/tmp/x", "y"], {
      host: { usernsMode: "auto" },
      idRange: { start, size: 65536 },
    });
    expect(written.exit.code).toBe(0);
  });

  it("has time offsets", async () => {
    const host = { timeOffsets: { monotonicSeconds: 864000, boottimeSeconds: 864000 } };
    const { stdout } = await run(["/bin/hello", "read", "/proc/uptime"], { host });
    expect(Number(stdout.split(" ")[0])).toBeGreaterThan(864000);
  });

  it("shares what it is told to share", async () => {
    const host = await run(["/bin/hello", "hostname"], {
      host: { utsMode: "host", networkMode: "host", pidMode: "host", ipcMode: "host" },
    });
    expect(host.stdout.trim()).toBe(readFileSync("/proc/sys/kernel/hostname", "utf8").trim());
  });

  it("runs hooks around a run, in order, with its state", async () => {
    const out = join(bed.root, "hooks");
    const hook = (name: string) => ({
      path: "/bin/sh",
      args: ["sh", "-c", `echo "${name} $(cat)" >> ${out}`],
      env: ["PATH=/bin"],
      timeoutSeconds: 5,
    });
    const plain = bed.spec(["/bin/hello", "true"]);
    const spec = {
      ...plain,
      hooks: {
        prestart: [hook("prestart")],
        createRuntime: [hook("createRuntime")],
        poststart: [hook("poststart")],
        poststop: [hook("poststop")],
      },
    };
    const sandbox = bed.track(await bed.backend.create(bed.request(spec)));
    await sandbox.exited;
    await sandbox.destroy();
    const lines = readFileSync(out, "utf8").trim().split("\n");
    expect(lines.map((line) => line.split(" ", 1)[0])).toEqual(["prestart", "createRuntime", "poststart", "poststop"]);
    expect(JSON.parse(lines[0]?.replace(/^\w+ /, "") ?? "")).toMatchObject({
      id: spec.id,
      status: "creating",
      pid: sandbox.pid,
    });
  });

  it("does not begin when a hook fails, and leaves nothing", async () => {
    const hooks = {
      createRuntime: [
        { path: "/bin/sh", args: ["sh", "-c", "echo broken >&2; exit 3"], env: [], timeoutSeconds: null },
      ],
    };
    const spec = { ...bed.spec(["/bin/hello", "true"]), hooks };
    const request = bed.request(spec);
    await expect(bed.backend.create(request)).rejects.toThrow(
      "error running createRuntime hook /bin/sh: exit status 3: broken",
    );
    expect(existsSync(request.runtimeDir)).toBe(false);
    expect(existsSync(`/sys/fs/cgroup/memory${spec.cgroupsPath}`)).toBe(false);
    await expect(
      bed.backend.create(bed.request({ ...spec, hooks: { startContainer: hooks.createRuntime } })),
    ).rejects.toMatchObject({ kind: "unsupported" });
  });

  describe("failures", () => {
    it("names the program that is not there", async () => {
      const error = await failure(["nosuch"]);
      expect(error.message).toContain('exec: "nosuch": executable file not found in $PATH');
      expect(error.details).toMatchObject({ exitCode: 127, errno: "ENOENT" });
      expect((await failure(["/no/such"])).message).toContain(
        'exec: "/no/such": stat /no/such: no such file or directory',
      );
    });
    it("names the program that may not be executed", async () => {
      const error = await failure(["/etc/passwd"], {
        prepareRoot: (root) => writeFileSync(join(root, "etc/passwd"), "x", { mode: 0o644 }),
      });
      expect(error.message).toContain("permission denied");
      expect(error.details["exitCode"]).toBe(126);
      expect((await failure(["/etc"])).details["exitCode"]).toBe(126);
    });
    it("names the volume whose source is missing", async () => {
      const source = join(bed.root, "missing");
      const error = await failure(["/bin/hello"], {
        mounts: [{ type: "bind", source, destination: "/data", options: ["rbind"] }],
      });
      expect(error.message).toContain(`error mounting "${source}" to rootfs at "/data"`);
      expect(error.message).toContain("no such file or directory");
      expect(error.details).toMatchObject({ exitCode: 127, argument: "/data" });
    });
    it("names a sysctl the kernel refuses", async () => {
      const error = await failure(["/bin/hello"], { host: { sysctls: { "net.ipv4.no_such": "1" } } });
      expect(error.message).toContain("net.ipv4.no_such");
    });
    it("names the working directory that is a file", async () => {
      expect((await failure(["/bin/hello"], { config: { workingDir: "/bin/hello" } })).message).toContain(
        '"/bin/hello"',
      );
    });
  });
});
