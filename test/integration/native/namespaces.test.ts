import { mkdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type OpRecord, ShimFailure, sys } from "../../../native/binding/index.ts";
import { ALL, BASIC_MOUNTS, CLONE, collect, Fixture, fsMount, isAlive, until } from "./fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.dispose());

const hostNamespace = (name: string): string => readlinkSync(`/proc/self/ns/${name}`);

describe("namespaces", () => {
  test("are new where asked for, the host's elsewhere", async () => {
    const { stdout } = await fixture.runToEnd({ argv: ["namespaces"], flags: ALL & ~CLONE.net });
    const own = new Map(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(":") as [string, string]),
    );
    for (const name of ["mnt", "pid", "uts", "ipc"]) expect(`${name}:${own.get(name)}`).not.toBe(hostNamespace(name));
    for (const name of ["net", "user"]) expect(`${name}:${own.get(name)}`).toBe(hostNamespace(name));
  });

  test("hostname, domain name, loopback", async () => {
    const setup: OpRecord[] = [
      ...BASIC_MOUNTS,
      { op: "hostname", name: "box" },
      { op: "domainname", name: "example" },
      { op: "loopback_up" },
    ];
    expect((await fixture.runToEnd({ argv: ["hostname"], setup })).stdout).toBe("box\n");
    rmSync(fixture.logPath);
    expect((await fixture.runToEnd({ argv: ["net"], setup })).stdout).toContain("lo");
  });

  test("time offsets", async () => {
    const outer: OpRecord[] = [{ op: "time_offsets", text: "monotonic 1000000 0\nboottime 1000000 0\n" }];
    const { stdout } = await fixture.runToEnd({ argv: ["clock", "monotonic"], outer });
    expect(Number(stdout)).toBeGreaterThan(1_000_000);
  });

  test("joining another container's net, ipc and pid", async () => {
    const first = await fixture.launch({ argv: ["pause"] }).waitFor("execed");
    const other = new Fixture();
    try {
      const outer: OpRecord[] = [
        ["net", CLONE.net],
        ["ipc", CLONE.ipc],
        ["pid", CLONE.pid],
      ].map(([name, namespace]) => ({
        op: "join_namespace",
        namespace: namespace as number,
        path: `/proc/${first.pid}/ns/${name}`,
      }));
      const { stdout } = await other.runToEnd({ argv: ["namespaces"], outer, flags: CLONE.mount | CLONE.uts });
      for (const name of ["net", "ipc", "pid"]) expect(stdout).toContain(readlinkSync(`/proc/${first.pid}/ns/${name}`));
      rmSync(other.logPath);
      expect((await other.runToEnd({ argv: ["pid"], outer, flags: CLONE.mount | CLONE.uts })).stdout).not.toBe("1\n");
    } finally {
      await other.dispose();
    }
  });

  test("a path that is no namespace of that kind is refused", async () => {
    const outer: OpRecord[] = [{ op: "join_namespace", namespace: CLONE.net, path: "/proc/self/ns/uts" }];
    await expect(fixture.launch({ argv: ["true"], outer }).waitFor("execed")).rejects.toMatchObject({
      code: "EINVAL",
      report: { name: "join_namespace", call: "setns" },
    });
  });
});

describe("a user namespace", () => {
  const MAP = "0 200000 65536\n";
  const monitor: OpRecord[] = [{ op: "user_namespace", uidMap: MAP, gidMap: MAP, denySetgroups: 0 }];
  const devices = ["null", "zero"].map(
    (name): OpRecord => ({
      op: "bind",
      source: `/dev/${name}`,
      target: `/dev/${name}`,
      attributes: 0,
      flags: 8,
      propagation: 0,
      idmapped: 0,
    }),
  );
  const setup: OpRecord[] = [
    fsMount("proc", "/proc"),
    fsMount("tmpfs", "/dev", ["mode=755"]),
    fsMount("devpts", "/dev/pts", ["newinstance", "ptmxmode=0666"]),
    ...devices,
  ];

  test("root inside is nobody outside, an idmapped overlay shows its own files as root's", async () => {
    for (const name of ["upper/fs", "upper/work"]) mkdirSync(join(fixture.dir, name), { recursive: true });
    const mountPoint = join(fixture.dir, "mnt");
    const handle = fixture.launch({
      argv: ["write", "/made", "x"],
      monitor,
      outer: [
        {
          op: "root_overlay_idmapped",
          mountPoint,
          base: fixture.dir,
          lowers: ["rootfs"],
          upper: "upper/fs",
          work: "upper/work",
          options: "",
        },
      ],
      root: [{ op: "root_prepared", mountPoint }],
      setup,
    });
    expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
    await handle.closed;
    // written through the idmapped layer: on disk it is root's, as every image file is
    expect(statSync(join(fixture.dir, "upper/fs/made")).uid).toBe(0);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(fixture.dir);
  });

  test("runs, and exec joins it", async () => {
    const root: OpRecord[] = [
      { op: "root_bind", mountPoint: join(fixture.dir, "mnt"), source: fixture.rootfs, idmapped: 1 },
    ];
    const handle = fixture.launch({ argv: ["pause"], monitor, root, setup });
    const container = await handle.waitFor("execed");
    expect(statSync(`/proc/${container.pid}`).uid).toBe(200_000);
    expect(readFileSync(`/proc/${container.pid}/uid_map`, "utf8").trim().split(/\s+/)).toEqual([
      "0",
      "200000",
      "65536",
    ]);
    const plan = fixture.execPlan("e", container, ["id"], { namespaces: ALL | CLONE.user });
    const session = await fixture.client().exec(plan, { raw: true });
    expect(await collect(session.output)).toContain("uid 0 gid 0");
    const caps = await fixture
      .client()
      .exec(fixture.execPlan("f", container, ["namespaces"], { namespaces: ALL | CLONE.user }), { raw: true });
    expect(await collect(caps.output)).toContain(readlinkSync(`/proc/${container.pid}/ns/user`));
  });

  test("a bind source below a directory of the host's root is reached, idmapped or not", async () => {
    const secret = join(fixture.dir, "private");
    mkdirSync(join(secret, "volume"), { recursive: true, mode: 0o700 });
    writeFileSync(join(secret, "volume/file"), "content", { mode: 0o600 });
    const root: OpRecord[] = [
      { op: "root_bind", mountPoint: join(fixture.dir, "mnt"), source: fixture.rootfs, idmapped: 1 },
    ];
    const volume: OpRecord = {
      op: "bind",
      source: join(secret, "volume"),
      target: "/v",
      attributes: 0,
      flags: 9,
      propagation: 0,
      idmapped: 1,
    };
    mkdirSync(join(fixture.rootfs, "v"));
    const { stdout } = await fixture.runToEnd({ argv: ["read", "/v/file"], monitor, root, setup: [...setup, volume] });
    expect(stdout).toBe("content");
  });

  test("a map the kernel refuses is a failure of that record", async () => {
    const bad: OpRecord[] = [{ op: "user_namespace", uidMap: "nonsense\n", gidMap: MAP, denySetgroups: 0 }];
    await expect(fixture.launch({ argv: ["true"], monitor: bad }).waitFor("execed")).rejects.toMatchObject({
      report: { name: "user_namespace", call: "write", errno: 22 },
    });
  });
});

describe("the init of --init", () => {
  test("runs the program as its child, reaps what is left over and ends with its code", async () => {
    expect((await fixture.runToEnd({ argv: ["pid"], final: [{ op: "init" }] })).stdout).toBe("2\n");
    expect((await fixture.runToEnd({ argv: ["exit", "9"], final: [{ op: "init" }] })).exit.code).toBe(9);
    const handle = fixture.launch({ argv: ["fork", "5"], final: [{ op: "init" }] });
    const { pid } = await handle.waitFor("execed");
    expect(readFileSync(`/proc/${pid}/comm`, "utf8")).toBe("tare-init\n");
    const children = (): string[] => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    await until("orphans are reaped", () => children().length === 1);
  });

  test("forwards signals", async () => {
    const handle = fixture.launch({ argv: ["trap"], final: [{ op: "init" }] });
    await handle.waitFor("execed");
    await until("ready", () => fixture.logged("stdout").includes("ready"));
    await fixture.client().signal("", 10);
    await until("USR1", () => fixture.logged("stdout").includes("signal 10"));
    await fixture.client().signal("", 15);
    expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
  });

  test("reports a program that is not there", async () => {
    const plan = fixture
      .plan({ argv: [], final: [{ op: "init" }] })
      .map((r) => (r.op === "exec" ? { ...r, candidates: ["/no"], argv: ["no"] } : r));
    const error = await fixture
      .launchPlan(plan, { early: "start" })
      .waitFor("execed")
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ShimFailure);
    expect((error as ShimFailure).code).toBe("ENOENT");
  });
});

const memory = "/sys/fs/cgroup/memory";
const hasV1Memory = ((): boolean => {
  try {
    return sys.statfs(memory).type === sys.FS_MAGIC.cgroup;
  } catch {
    return false;
  }
})();
describe.runIf(hasV1Memory)("cgroup v1", () => {
  let group: string;
  beforeEach(() => {
    group = join(memory, `tare-native-${process.pid}-${Date.now()}`);
    mkdirSync(group);
  });
  afterEach(async () => {
    // a test that failed has left its container running
    await fixture.dispose();
    await until("cgroup empty", () => readFileSync(join(group, "cgroup.procs"), "utf8") === "");
    sys.unlinkat(sys.AT.fdcwd, group, sys.AT.removedir);
  });
  const records = (): OpRecord[] => [
    { op: "oom_watch", cgroupVersion: 1, dir: group },
    { op: "cgroup_v1", files: [join(group, "tasks")] },
  ];

  test("the container and its execs are inside before anything else", async () => {
    const handle = fixture.launch({ argv: ["pause"], monitor: records() });
    const container = await handle.waitFor("execed");
    const session = await fixture.client().exec(fixture.execPlan("e", container, ["pause"]));
    // the process that joined the namespaces for the exec is inside as well, until it has ended
    const inside = (): string[] => readFileSync(join(group, "cgroup.procs"), "utf8").trim().split("\n");
    await until("two processes", () => inside().length === 2);
    const pids = inside();
    expect(pids).toContain(String(container.pid));
    expect(pids).toContain(String(session.execed.pid));
    expect(pids).not.toContain(String(handle.monitorPid));
    await fixture.client().signal("", 9);
    await handle.closed;
  });

  test("a kill for lack of memory is told, as it happens and with the exit", async () => {
    writeFileSync(join(group, "memory.limit_in_bytes"), "8388608");
    const handle = fixture.launch({ argv: ["alloc", "64"], monitor: records() });
    expect(await handle.waitFor("exit")).toMatchObject({ code: 137, signal: 9, oom: true });
    expect(JSON.parse(readFileSync(fixture.exitPath, "utf8"))).toMatchObject({ oom: true, code: 137 });
  });

  test("a kill of an exec'd process is an oom of the container", async () => {
    writeFileSync(join(group, "memory.limit_in_bytes"), "8388608");
    const handle = fixture.launch({ argv: ["pause"], monitor: records() });
    const container = await handle.waitFor("execed");
    const session = await fixture.client().exec(fixture.execPlan("e", container, ["alloc", "64"]));
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 137 });
    expect(await handle.waitFor("oom")).toMatchObject({ run: "run-1" });
    expect(isAlive(container.pid as number)).toBe(true);
    await fixture.client().signal("", 9);
    await handle.closed;
  });
});

/** A cgroup2 mount that this process may make groups in, wherever it is. */
const unified = readFileSync("/proc/self/mountinfo", "utf8")
  .split("\n")
  .map((line) => line.split(" "))
  .find((fields) => fields[fields.indexOf("-") + 1] === "cgroup2" && fields[5]?.startsWith("rw"))?.[4];
describe.runIf(unified !== undefined)("cgroup v2", () => {
  let group: string;
  beforeEach(() => {
    group = join(unified as string, `tare-native-${process.pid}-${Date.now()}`);
    mkdirSync(group);
  });
  afterEach(async () => {
    // a test that failed has left its container running
    await fixture.dispose();
    await until("cgroup empty", () => readFileSync(join(group, "cgroup.procs"), "utf8") === "");
    sys.unlinkat(sys.AT.fdcwd, group, sys.AT.removedir);
  });

  test.each([true, false])(
    "the container is cloned into its group, and so are its execs (named by the exec: %s)",
    async (named) => {
      const place: OpRecord = { op: "cgroup_v2", dir: group };
      const handle = fixture.launch({ argv: ["pause"], monitor: [place], afterPivot: [{ op: "unshare_cgroup" }] });
      const container = await handle.waitFor("execed");
      const plan = fixture.execPlan("e", container, ["pause"], { namespaces: ALL | CLONE.cgroup });
      const session = await fixture.client().exec(named ? plan.toSpliced(2, 0, place) : plan);
      const pids = (): string[] => readFileSync(join(group, "cgroup.procs"), "utf8").trim().split("\n");
      // the process that joined the namespaces for the exec is inside as well, until it has ended
      await until("two processes", () => pids().length === 2);
      expect(pids().sort()).toEqual([String(container.pid), String(session.execed.pid)].sort());
      expect(readlinkSync(`/proc/${container.pid}/ns/cgroup`)).not.toBe(hostNamespace("cgroup"));
      await fixture.client().signal("", 9);
      await handle.closed;
    },
  );

  test("a group that is not there is a failure that names it", async () => {
    const place: OpRecord = { op: "cgroup_v2", dir: `${group}/absent` };
    await expect(fixture.launch({ argv: ["true"], monitor: [place] }).waitFor("execed")).rejects.toMatchObject({
      code: "ENOENT",
      report: { path: `${group}/absent` },
    });
  });
});
