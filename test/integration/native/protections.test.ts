/**
 * One test for each protection of the shim that the attacks of security.test.ts do not need to get past: with the line taken
 * out of the C code, the test fails (tried 2026-11-22).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  BIND,
  encodeFrame,
  encodePlan,
  FRAMES,
  type LaunchPlan,
  MOUNT_FLAG,
  type OpRecord,
  ShimFailure,
  STDIO,
  sys,
} from "../../../native/binding/index.ts";
import {
  ALL,
  BASIC_MOUNTS,
  CLONE,
  collect,
  Fixture,
  fsMount,
  isAlive,
  type PlanParts,
  SHIM,
  until,
} from "./fixture.ts";

let fixture: Fixture;
let outside: string;
beforeEach(() => {
  fixture = new Fixture();
  outside = join(fixture.dir, "outside");
  mkdirSync(outside);
});
afterEach(() => fixture.dispose());

const bind = (source: string, target: string, flags: number = BIND.recursive, attributes = 0): OpRecord => ({
  op: "bind",
  source,
  target,
  attributes,
  flags: flags | BIND.createTarget,
  propagation: 0,
  idmapped: 0,
});
const device = (path: string, minor: number, major = 1): OpRecord => ({
  op: "device",
  path,
  mode: 0o020666,
  major,
  minor,
  uid: 0,
  gid: 0,
});
const refused = async (parts: PlanParts): Promise<ShimFailure> => {
  const error = await fixture
    .launch(parts)
    .waitFor("execed")
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ShimFailure);
  return error as ShimFailure;
};
/** Mount point → its options, as the container sees them. */
const options = async (setup: readonly OpRecord[]): Promise<ReadonlyMap<string, readonly string[]>> => {
  const { stdout } = await fixture.runToEnd({ argv: ["mounts"], setup });
  return new Map(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" "))
      .map((fields) => [fields[4] as string, (fields[5] as string).split(",")]),
  );
};

describe("links and nodes of the image", () => {
  test("a strict target is never a link, wherever it is", async () => {
    symlinkSync(outside, join(fixture.rootfs, "run"));
    const strict = fsMount("tmpfs", "/run", [], MOUNT_FLAG.strictTarget);
    expect((await refused({ argv: ["true"], setup: [strict] })).code).toBe("ELOOP");
    mkdirSync(join(fixture.rootfs, outside), { recursive: true });
    expect((await fixture.runToEnd({ argv: ["true"], setup: [fsMount("tmpfs", "/run")] })).exit.code).toBe(0);
    expect(readdirSync(outside)).toEqual([]);
  });

  test.each(["dangling", "of the host"])("a file is not bound through a link that is %s", async (kind) => {
    const victim = join(outside, "victim");
    if (kind !== "dangling") writeFileSync(victim, "the host's");
    writeFileSync(join(fixture.dir, "source"), "the source");
    symlinkSync(victim, join(fixture.rootfs, "data"));
    const setup = [...BASIC_MOUNTS, bind(join(fixture.dir, "source"), "/data")];
    // what the name means in the container is the source, whatever it is in the image
    expect((await fixture.runToEnd({ argv: ["read", "/data"], setup })).stdout).toBe("the source");
    expect(readdirSync(outside)).toEqual(kind === "dangling" ? [] : ["victim"]);
  });

  test("a node of the image that is something else is not replaced", async () => {
    mkdirSync(join(fixture.rootfs, "dev"));
    writeFileSync(join(fixture.rootfs, "dev/null"), "kept");
    const error = await refused({ argv: ["true"], setup: [fsMount("proc", "/proc"), device("/dev/null", 3)] });
    expect(error).toMatchObject({ code: "EEXIST", report: { name: "device", path: "/dev/null" } });
    expect(readFileSync(join(fixture.rootfs, "dev/null"), "utf8")).toBe("kept");
  });

  test("a mask is never another device than null, nor a file in its place (CVE-2025-31133)", async () => {
    writeFileSync(join(fixture.dir, "fake"), "");
    const mounts = [fsMount("proc", "/proc"), fsMount("tmpfs", "/dev")];
    const mask: OpRecord = { op: "mask", path: "/proc/keys" };
    for (const fake of [device("/dev/null", 5), bind(join(fixture.dir, "fake"), "/dev/null")]) {
      const { stdout } = await fixture.runToEnd({ argv: ["stat", "/proc/keys"], setup: [...mounts, fake, mask] });
      expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^mode 020.* rdev 259$/);
    }
  });

  test.each(["unknown mount flags", "unknown bind flags"])("%s are a refusal", async (what) => {
    const record = what.includes("bind") ? bind(outside, "/x", 1 << 20) : fsMount("tmpfs", "/x", [], 1 << 20);
    expect((await refused({ argv: ["true"], setup: [record] })).code).toBe("EINVAL");
  });
});

describe("the terminal", () => {
  const tty = (setup: readonly OpRecord[]): PlanParts => ({ argv: ["tty"], setup, stdio: STDIO.tty });
  const dev = [fsMount("proc", "/proc"), fsMount("tmpfs", "/dev", ["mode=755"])];
  const pts = fsMount("devpts", "/dev/pts", ["newinstance", "ptmxmode=0666"]);

  test("is not taken from a /dev/pts that is no devpts", async () => {
    const error = await refused(tty([...dev, device("/dev/pts/ptmx", 2, 5)]));
    expect(error).toMatchObject({ code: "ENODEV", report: { name: "console", call: "fstatfs", path: "/dev/pts" } });
  });

  test("is not taken from a /dev/pts that is a link", async () => {
    const elsewhere = fsMount("devpts", "/elsewhere", ["newinstance", "ptmxmode=0666"]);
    const error = await refused(tty([...dev, elsewhere, { op: "symlink", target: "/elsewhere", path: "/dev/pts" }]));
    expect(error).toMatchObject({ code: "ELOOP", report: { name: "console", path: "/dev/pts" } });
  });

  test("is not taken from something else called ptmx", async () => {
    writeFileSync(join(fixture.dir, "fake"), "");
    const error = await refused(tty([...dev, pts, bind(join(fixture.dir, "fake"), "/dev/pts/ptmx")]));
    expect(error).toMatchObject({ code: "ENODEV", report: { name: "console", path: "/dev/pts/ptmx" } });
  });

  test.each(["dangling", "of the host"])(
    "goes on the name /dev/console, not to where a link with that name leads (%s, CVE-2025-52565)",
    async (kind) => {
      const victim = join(outside, "victim");
      if (kind !== "dangling") writeFileSync(victim, "the host's");
      const link: OpRecord = { op: "symlink", target: victim, path: "/dev/console" };
      const setup = [...dev, pts, link];
      const handle = fixture.launch({ argv: ["mounts"], setup, stdio: STDIO.tty });
      await handle.waitFor("exit");
      await handle.closed;
      const points = fixture
        .logged("stdout")
        .split("\r\n")
        .map((line) => line.split(" ")[4]);
      expect(points).toContain("/dev/console");
      expect(readdirSync(outside)).toEqual(kind === "dangling" ? [] : ["victim"]);
    },
  );
});

describe("a /proc that lies", () => {
  // The kernel refuses a private procfs to a user namespace without a process namespace of its own: the container's must do.
  const MAP = "0 200000 65536\n";
  const parts = (setup: readonly OpRecord[]): PlanParts => ({
    argv: ["true"],
    flags: ALL & ~CLONE.pid,
    monitor: [{ op: "user_namespace", uidMap: MAP, gidMap: MAP, denySetgroups: 1 }],
    root: [{ op: "root_bind", mountPoint: join(fixture.dir, "mnt"), source: fixture.rootfs, idmapped: 1 }],
    setup,
    final: [{ op: "apparmor", label: "unconfined" }],
  });

  test("because it is a directory is not written to (CVE-2019-16884)", async () => {
    const fake = join(fixture.dir, "fake");
    mkdirSync(join(fake, "1/attr"), { recursive: true, mode: 0o777 });
    symlinkSync("1", join(fake, "self"));
    writeFileSync(join(fake, "1/attr/exec"), "untouched");
    sys.fchmodat(sys.AT.fdcwd, join(fake, "1/attr/exec"), 0o666);
    mkdirSync(join(fixture.rootfs, "proc"));
    const error = await refused(parts([bind(fake, "/proc")]));
    expect(error).toMatchObject({ code: "EXDEV", report: { name: "apparmor", path: "/proc" } });
    expect(readFileSync(join(fake, "1/attr/exec"), "utf8")).toBe("untouched");
  });

  test("because it is a part of procfs is not either", async () => {
    mkdirSync(join(fixture.rootfs, "proc"));
    const error = await refused(parts([bind("/proc/sys", "/proc", 0)]));
    expect(error).toMatchObject({ code: "EXDEV", report: { name: "apparmor", path: "/proc" } });
  });

  test.each(["a directory", "another process's"])(
    "because %s lies over the process's own entries is not either (CVE-2025-52881)",
    async (what) => {
      const fake = join(fixture.dir, "fake");
      mkdirSync(fake);
      writeFileSync(join(fake, "exec"), "untouched");
      sys.fchmodat(sys.AT.fdcwd, join(fake, "exec"), 0o666);
      mkdirSync(join(fixture.rootfs, "proc"));
      const over = bind(what === "a directory" ? fake : `/proc/${process.pid}/attr`, "/proc/self/attr", 0);
      const error = await refused(parts([bind("/proc", "/proc", 0), over]));
      expect(error).toMatchObject({ code: "EXDEV", report: { name: "apparmor", call: "openat2" } });
      expect(readFileSync(join(fake, "exec"), "utf8")).toBe("untouched");
    },
  );

  test("setgroups is denied where the plan says so", async () => {
    const { final: _, ...rest } = parts([fsMount("tmpfs", "/dev")]);
    const handle = fixture.launch({ ...rest, argv: ["pause"] });
    const { pid } = await handle.waitFor("execed");
    expect(readFileSync(`/proc/${pid}/setgroups`, "utf8")).toBe("deny\n");
  });
});

describe("descriptors", () => {
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  /** A monitor that was started with open descriptors of the host, none of them close-on-exec; what it reports. */
  function launchLeaky(plan: LaunchPlan): {
    readonly child: ChildProcess;
    readonly said: (word: string) => Promise<string>;
  } {
    const leaks = ["/", "/etc", outside].map((path) => openSync(path, "r"));
    const child = spawn(SHIM, ["launch"], { stdio: ["ignore", "ignore", "ignore", "pipe", ...leaks] });
    for (const fd of leaks) closeSync(fd);
    children.push(child);
    const socket = child.stdio[3] as Socket;
    let text = "";
    socket.on("error", () => {}).on("data", (chunk: Buffer) => void (text += chunk.toString("latin1")));
    const frames = [
      encodeFrame(FRAMES.launch, encodePlan(plan)),
      encodeFrame(FRAMES.proceed),
      encodeFrame(FRAMES.start),
    ];
    socket.write(Buffer.concat(frames));
    const said = async (word: string): Promise<string> => {
      await until(word, () => text.includes(`"at":"${word}"`));
      return text;
    };
    return { child, said };
  }

  test("of whoever started the daemon are not kept open by a monitor, which outlives it", async () => {
    const { child, said } = launchLeaky(fixture.plan({ argv: ["pause"] }));
    await said("execed");
    const open = readdirSync(`/proc/${child.pid}/fd`).map((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`));
    expect(open).not.toContain("/etc");
    expect(open).not.toContain(outside);
    await fixture.client().signal("", 9);
    await once(child, "exit");
  });

  test("that leaked into a monitor reach neither the program nor an exec (CVE-2024-21626)", async () => {
    await once(launchLeaky(fixture.plan({ argv: ["fds"] })).child, "exit");
    expect(fixture.logged("stdout")).toBe("0\n1\n2\n");
    const { child, said } = launchLeaky(fixture.plan({ argv: ["pause"] }));
    await said("execed");
    const { state } = await fixture.client().watch();
    const session = await fixture.client().exec(fixture.execPlan("e", state, ["fds"]), { raw: true });
    expect(await collect(session.output)).toBe("0\n1\n2\n");
    const ended = once(child, "exit");
    await fixture.client().signal("", 9);
    await ended;
  });

  test.each([4, 5, 6])("that leaked as %i are no working directory", async (fd) => {
    const final: OpRecord[] = [{ op: "chdir", path: `/proc/self/fd/${fd}`, create: 0 }];
    const { child, said } = launchLeaky(fixture.plan({ argv: ["read", "."], final }));
    expect(await said("failed")).toContain('"name":"chdir"');
    if (child.exitCode === null) await once(child, "exit");
  });

  test("of the shim's own program cannot be written through, even when nothing runs it any more (CVE-2019-5736)", async () => {
    const handle = fixture.launch({ argv: ["pause"] }, { early: "proceed" });
    const { pid } = await handle.waitFor("created");
    const kept = openSync(`/proc/${pid}/exe`, "r");
    try {
      handle.close();
      await handle.closed;
      await until("ended", () => !isAlive(pid as number) && !isAlive(handle.monitorPid));
      // other monitors of this shim may still be ending, which would be ETXTBSY
      let code: unknown = "ETXTBSY";
      await until("not busy", () => {
        try {
          const again = openSync(`/proc/self/fd/${kept}`, "r+");
          try {
            writeFileSync(again, "x");
            code = "written";
          } finally {
            closeSync(again);
          }
        } catch (error) {
          code = (error as { code?: unknown }).code;
        }
        return code !== "ETXTBSY";
      });
      expect(code).toBe("EPERM");
    } finally {
      closeSync(kept);
    }
  });
});

describe("mounts", () => {
  test("have the attributes asked for, below themselves as well where asked", async () => {
    const source = join(fixture.dir, "source");
    mkdirSync(join(source, "below"), { recursive: true });
    sys.mount("tmpfs", join(source, "below"), "tmpfs", 0, "size=64k");
    const { rdonly, noexec } = sys.MOUNT_ATTR;
    try {
      const seen = await options([
        ...BASIC_MOUNTS,
        bind(source, "/one", BIND.recursive, rdonly | noexec),
        bind(source, "/all", BIND.recursive | BIND.recursiveAttributes, rdonly),
        bind(source, "/path"),
        { op: "readonly_path", path: "/path" },
        { ...fsMount("tmpfs", "/tmp"), attributes: rdonly | sys.MOUNT_ATTR.nosuid } as OpRecord,
      ]);
      expect(seen.get("/one")).toEqual(expect.arrayContaining(["ro", "noexec"]));
      expect(seen.get("/one/below")).toContain("rw");
      expect(seen.get("/all")).toContain("ro");
      expect(seen.get("/all/below")).toContain("ro");
      expect(seen.get("/path")).toContain("ro");
      expect(seen.get("/path/below")).toContain("ro");
      expect(seen.get("/tmp")).toEqual(expect.arrayContaining(["ro", "nosuid"]));
    } finally {
      sys.umount2(join(source, "below"), sys.MNT.detach);
    }
  });

  test("never reach the host, even where it shares its own", async () => {
    const shared = join(fixture.dir, "mnt");
    sys.mount("tmpfs", shared, "tmpfs", 0, "size=64k");
    sys.mount("", shared, "", sys.MS.shared, "");
    mkdirSync(join(shared, "point"));
    try {
      const root: OpRecord[] = [
        { op: "root_bind", mountPoint: join(shared, "point"), source: fixture.rootfs, idmapped: 0 },
      ];
      const setup = [...BASIC_MOUNTS, bind(shared, "/shared")];
      const handle = fixture.launch({ argv: ["pause"], root, setup });
      const { pid } = await handle.waitFor("execed");
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(join(shared, "point"));
      expect(readFileSync(`/proc/${pid}/mountinfo`, "utf8")).not.toContain("shared:");
    } finally {
      sys.umount2(shared, sys.MNT.detach);
    }
  });
});
