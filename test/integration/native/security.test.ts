/** Hostile roots: each case is one of the attacks in reference/security.md, and the host's tree is looked at afterwards. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type OpRecord, ShimFailure, STDIO, sys } from "../../../native/binding/index.ts";
import { ALL, BASIC_MOUNTS, collect, Fixture, fsMount, until } from "./fixture.ts";

let fixture: Fixture;
let outside: string;
let flag: Int32Array<SharedArrayBuffer>;
beforeEach(() => {
  fixture = new Fixture();
  flag = new Int32Array(new SharedArrayBuffer(4));
  outside = join(fixture.dir, "outside");
  mkdirSync(outside);
});
afterEach(() => fixture.dispose());

const caps = (mask: bigint): OpRecord => ({
  op: "capabilities",
  bounding: mask,
  permitted: mask,
  effective: mask,
  inheritable: 0,
  ambient: 0,
});
const DOCKER_CAPS = 0xa80425fbn;
const bind = (source: string, target: string): OpRecord => ({
  op: "bind",
  source,
  target,
  attributes: 0,
  flags: 1 | 8,
  propagation: 0,
  idmapped: 0,
});
const link = (target: string, path: string): void => {
  rmSync(join(fixture.rootfs, path), { recursive: true, force: true });
  symlinkSync(target, join(fixture.rootfs, path));
};
const refused = async (setup: readonly OpRecord[], argv = ["true"]): Promise<ShimFailure> => {
  const error = await fixture
    .launch({ argv, setup })
    .waitFor("execed")
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ShimFailure);
  return error as ShimFailure;
};

describe("links in the image", () => {
  test.each(["/proc", "/dev", "/sys"])("%s as a link is refused, wherever it points", async (target) => {
    link(outside, target);
    const fstype = { "/proc": "proc", "/dev": "tmpfs", "/sys": "sysfs" }[target] as string;
    const error = await refused([fsMount(fstype, target)]);
    expect(error.code).toBe("ELOOP");
    expect(error.report).toMatchObject({ name: "mount", path: target });
    expect(readdirSync(outside)).toEqual([]);
  });

  test("/dev/pts as a link in a /dev from the image is refused", async () => {
    mkdirSync(join(fixture.rootfs, "dev"));
    link(outside, "dev/pts");
    expect((await refused([fsMount("devpts", "/dev/pts")])).code).toBe("ELOOP");
  });

  test("a mount target that is an absolute link lands inside the root", async () => {
    link(outside, "data");
    const source = join(fixture.dir, "source");
    mkdirSync(source);
    writeFileSync(join(source, "file"), "from the source");
    const inside = join(fixture.rootfs, outside);
    mkdirSync(inside, { recursive: true });
    const { stdout } = await fixture.runToEnd({
      argv: ["read", `${outside}/file`],
      setup: [...BASIC_MOUNTS, bind(source, "/data")],
    });
    expect(stdout).toBe("from the source");
    expect(readdirSync(outside)).toEqual([]);
  });

  test("links that climb stay inside, missing directories are made inside", async () => {
    link("../../../../../../..", "up");
    const error = await refused([...BASIC_MOUNTS, bind("/proc/self/nothing", "/up/x")]);
    expect(error.code).toBe("ENOENT");
    const handle = fixture.launch({
      argv: ["stat", "/made"],
      setup: [...BASIC_MOUNTS, { op: "directory", path: `/up${outside}/made`, mode: 0o755, uid: 0, gid: 0 }],
    });
    await handle.waitFor("exit");
    await handle.closed;
    expect(readdirSync(outside)).toEqual([]);
    expect(existsSync(join(fixture.rootfs, outside, "made"))).toBe(true);
  });

  test("a dangling link as directory of a device is not written through", async () => {
    link(join(outside, "new"), "devices");
    const setup: OpRecord[] = [
      { op: "device", path: "/devices/null", mode: 0o020666, major: 1, minor: 3, uid: 0, gid: 0 },
    ];
    expect((await refused(setup)).report.name).toBe("device");
    expect(readdirSync(outside)).toEqual([]);
  });

  test("a working directory through a link is made inside", async () => {
    link(outside, "work");
    mkdirSync(join(fixture.rootfs, outside), { recursive: true });
    const { stdout } = await fixture.runToEnd({
      argv: ["pwd"],
      final: [{ op: "chdir", path: "/work/deep/er", create: 1 }],
    });
    expect(stdout).toBe(`${outside}/deep/er\n`);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("masking does not bind a fake /dev/null", async () => {
    const setup = [
      fsMount("proc", "/proc"),
      fsMount("tmpfs", "/dev"),
      { op: "symlink", target: "/proc/sysrq-trigger", path: "/dev/null" } as const,
    ];
    const { stdout } = await fixture.runToEnd({
      argv: ["stat", "/proc/keys"],
      setup: [...setup, { op: "mask", path: "/proc/keys" }],
    });
    // the host's verified device: character 1:3
    expect(stdout).toMatch(/^mode 0206\d\d uid 0 gid 0 rdev 259\n$/);
  });

  test("a console link is not followed", async () => {
    const setup = [
      ...BASIC_MOUNTS,
      { op: "symlink", target: "/proc/sys/kernel/core_pattern", path: "/dev/console" } as const,
    ];
    const handle = fixture.launch({ argv: ["stat", "/dev/console"], setup, stdio: STDIO.tty });
    const outcome = await handle.waitFor("exit").catch((error: unknown) => error);
    if (!(outcome instanceof ShimFailure)) expect(fixture.logged("stdout")).toMatch(/^mode 0(20|12)/);
  });
});

describe("leaked handles (CVE-2024-21626)", () => {
  test("no /proc/self/fd/N as working directory reaches the host", async () => {
    for (const fd of [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
      const error = await fixture
        .launch({ argv: ["pwd"], final: [{ op: "chdir", path: `/proc/self/fd/${fd}`, create: 0 }] })
        .waitFor("execed")
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ShimFailure);
    }
  }, 20_000);

  test("an exec'd process has three descriptors too", async () => {
    const container = await fixture.launch({ argv: ["pause"] }).waitFor("execed");
    const session = await fixture.client().exec(fixture.execPlan("e", container, ["fds"]), { raw: true });
    expect(await collect(session.output)).toBe("0\n1\n2\n");
  });
});

describe("the shim itself", () => {
  test("is a sealed copy that cannot be opened for writing (CVE-2019-5736)", async () => {
    const handle = fixture.launch({ argv: ["pause"] }, { early: "proceed" });
    const { pid } = await handle.waitFor("created");
    expect(() => writeFileSync(`/proc/${pid}/exe`, "x", { flag: "r+" })).toThrow(/ETXTBSY|EPERM|EACCES/);
  });

  test("does not let itself be dumped or traced by its user: its files are root's", async () => {
    const handle = fixture.launch({ argv: ["pause"], final: [{ op: "user", uid: 1000, gid: 1000, groups: ["1000"] }] });
    await handle.waitFor("execed");
    expect(readFileSync(`/proc/${handle.monitorPid}/comm`, "utf8")).toBe("tare:[monitor]\n");
    const container = await handle.waitFor("execed");
    const session = await fixture
      .client()
      .exec(fixture.execPlan("e", container, ["read", "/proc/1/comm"]), { raw: true });
    expect(await collect(session.output)).toBe("hello\n");
  });

  test("the control socket is root's alone", async () => {
    await fixture.launch({ argv: ["pause"] }).waitFor("execed");
    const { mode } = await import("node:fs").then((fs) => fs.statSync(fixture.ctl));
    expect(mode & 0o777).toBe(0o600);
  });
});

test("an attacker as pid 1 gets hold of nothing of a process that enters (CVE-2016-9962)", async () => {
  const handle = fixture.launch({ argv: ["snoop"], final: [caps(DOCKER_CAPS)] });
  const container = await handle.waitFor("execed");
  await until("it snoops", () => fixture.logged("stdout") !== "");
  for (let i = 0; i < 60; i++) {
    const session = await fixture
      .client()
      .exec(fixture.execPlan(`e${i}`, container, ["true"], { final: [caps(DOCKER_CAPS)] }));
    session.output.resume();
    await session.reports.waitFor("exit");
  }
  expect(fixture.logged("stdout")).toBe("snooping\n");
}, 30_000);

describe("a sibling that swaps directories for links while the container is made", () => {
  test.each(["/proc", "/data", "/dev"])(
    "%s never leads outside (CVE-2019-19921, CVE-2021-30465)",
    async (target) => {
      for (const name of ["real", "flip"]) mkdirSync(join(fixture.rootfs, name));
      const victim = join(fixture.rootfs, target);
      mkdirSync(victim, { recursive: true });
      symlinkSync(outside, join(fixture.rootfs, "swap"));
      mkdirSync(join(fixture.dir, "source"));
      const flipper = new Worker(
        `const koffi = require(${JSON.stringify(createRequire(import.meta.url).resolve("koffi"))});
       const { workerData, parentPort } = require("node:worker_threads");
       const rename = koffi.load(null).func("int renameat2(int a, const char *b, int c, const char *d, unsigned int flags)");
       const stop = new Int32Array(workerData.stop);
       parentPort.postMessage("ready");
       while (Atomics.load(stop, 0) === 0) rename(-100, workerData.a, -100, workerData.b, 2);`,
        { eval: true, workerData: { a: victim, b: join(fixture.rootfs, "swap"), stop: flag.buffer } },
      );
      await once(flipper, "message");
      try {
        const setup = [...BASIC_MOUNTS, bind(join(fixture.dir, "source"), "/data/deep/er")];
        for (let i = 0; i < 60; i++) {
          const handle = fixture.launch({ argv: ["true"], setup }, { early: "proceed" });
          const created = await handle.waitFor("created", "failed");
          if (created.at === "created") {
            const mounts = readFileSync(`/proc/${created.pid}/mountinfo`, "utf8");
            expect(mounts).not.toContain(outside);
          }
          handle.close();
          await handle.closed;
        }
      } finally {
        Atomics.store(flag, 0, 1);
        await once(flipper, "exit");
      }
      expect(readdirSync(outside)).toEqual([]);
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(fixture.dir);
    },
    60_000,
  );
});

describe("power", () => {
  test("capabilities are exactly those of the plan; inheritable and ambient are empty", async () => {
    const { stdout } = await fixture.runToEnd({ argv: ["caps"], final: [caps(DOCKER_CAPS)] });
    expect(stdout).toBe(
      [
        "CapInh:\t0000000000000000",
        "CapPrm:\t00000000a80425fb",
        "CapEff:\t00000000a80425fb",
        "CapBnd:\t00000000a80425fb",
        "CapAmb:\t0000000000000000",
        "",
      ].join("\n"),
    );
  });

  test.each(["before", "after"])("a user without root has none, capabilities %s user", async (order) => {
    const user: OpRecord = { op: "user", uid: 1000, gid: 1001, groups: ["1001", "5"] };
    const final = order === "before" ? [caps(DOCKER_CAPS), user] : [user, caps(DOCKER_CAPS)];
    const { stdout } = await fixture.runToEnd({ argv: ["caps"], final });
    expect(stdout).toContain("CapEff:\t0000000000000000");
    expect(stdout).toContain("CapBnd:\t00000000a80425fb");
    expect(stdout).toContain("CapInh:\t0000000000000000");
    rmSync(fixture.logPath);
    expect((await fixture.runToEnd({ argv: ["id"], final })).stdout).toBe("uid 1000 gid 1001 groups 5 1001\n");
  });

  test("no_new_privs, rlimits and umask are in force", async () => {
    const final: OpRecord[] = [
      { op: "rlimit", resource: 7, soft: 100, hard: 200 },
      { op: "umask", mask: 0o077 },
      { op: "no_new_privs" },
    ];
    const { stdout } = await fixture.runToEnd({ argv: ["limits"], final });
    expect(stdout).toContain("\n7 100 200\n");
    rmSync(fixture.logPath);
    const status = (await fixture.runToEnd({ argv: ["status"], final })).stdout;
    expect(status).toMatch(/NoNewPrivs:\t1/);
    expect(status).toMatch(/Umask:\t0077/);
  });

  test("a user may open its own standard streams", async () => {
    const setup = [...BASIC_MOUNTS, { op: "symlink", target: "/proc/self/fd/1", path: "/dev/stdout" } as const];
    const final: OpRecord[] = [caps(0n), { op: "user", uid: 1000, gid: 1000, groups: [] }];
    const { exit, stdout } = await fixture.runToEnd({ argv: ["write", "/dev/stdout", "mine"], setup, final });
    expect(exit.code).toBe(0);
    expect(stdout).toBe("mine");
  });

  test("a seccomp filter is in force for the program", async () => {
    // if (nr == unshare) return ERRNO(38) else ALLOW; x86-64 and arm64 numbers
    const unshare = process.arch === "arm64" ? 97 : 272;
    const filter = Buffer.alloc(32);
    const instruction = (index: number, code: number, jt: number, jf: number, k: number): void => {
      filter.writeUInt16LE(code, index * 8);
      filter[index * 8 + 2] = jt;
      filter[index * 8 + 3] = jf;
      filter.writeUInt32LE(k, index * 8 + 4);
    };
    instruction(0, 0x20, 0, 0, 0);
    instruction(1, 0x15, 0, 1, unshare);
    instruction(2, 0x06, 0, 0, 0x00050000 | 38);
    instruction(3, 0x06, 0, 0, 0x7fff0000);
    const { stdout } = await fixture.runToEnd({
      argv: ["unshare"],
      final: [{ op: "no_new_privs" }, { op: "seccomp", filter, flags: 0 }],
    });
    expect(stdout).toBe("errno 38\n");
  });

  test("masked and read-only paths cannot be read or written", async () => {
    const setup: OpRecord[] = [
      ...BASIC_MOUNTS,
      { op: "mask", path: "/proc/keys" },
      { op: "mask", path: "/proc/acpi" },
      { op: "mask", path: "/proc/not-there" },
      { op: "readonly_path", path: "/proc/sys" },
      { op: "readonly_path", path: "/proc/not-there" },
    ];
    const read = await fixture.runToEnd({ argv: ["read", "/proc/keys"], setup });
    expect(read).toMatchObject({ stdout: "", exit: { code: 0 } });
    const write = await fixture.runToEnd({ argv: ["write", "/proc/sys/kernel/core_pattern", "x"], setup });
    expect(write.stdout).toContain("Read-only file system");
  });

  test("a read-only root refuses writes while its mounts take them", async () => {
    const afterPivot: OpRecord[] = [{ op: "root_attributes", attributes: sys.MOUNT_ATTR.rdonly, propagation: 0 }];
    const root = await fixture.runToEnd({ argv: ["write", "/x", "x"], afterPivot });
    expect(root.stdout).toContain("Read-only file system");
    expect((await fixture.runToEnd({ argv: ["write", "/dev/x", "x"], afterPivot })).exit.code).toBe(0);
  });

  test("sysctls reach the container's namespace, not the host's", async () => {
    const host = readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8");
    const setup: OpRecord[] = [
      ...BASIC_MOUNTS,
      { op: "sysctl", name: "net.ipv4.ip_unprivileged_port_start", value: "7" },
    ];
    expect(
      (await fixture.runToEnd({ argv: ["read", "/proc/sys/net/ipv4/ip_unprivileged_port_start"], setup, flags: ALL }))
        .stdout,
    ).toBe("7\n");
    expect(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8")).toBe(host);
    const error = await refused([...BASIC_MOUNTS, { op: "sysctl", name: "net/../../../etc/x", value: "1" }]);
    expect(error.code).toBe("EINVAL");
  });
});
