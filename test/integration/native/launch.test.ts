import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  encodeFrame,
  encodePlan,
  FRAMES,
  parseReport,
  ShimFailure,
  ShimUnavailable,
  sys,
  TABLE_HASH,
} from "../../../native/binding/index.ts";
import { spawnDetached } from "../../../native/binding/spawn.ts";
import { BASIC_MOUNTS, Fixture, isAlive, SHIM, until } from "./fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.dispose());

const failure = async (promise: Promise<unknown>): Promise<ShimFailure> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ShimFailure);
  return error as ShimFailure;
};
const exitFile = () => JSON.parse(readFileSync(fixture.exitPath, "utf8"));

describe("a program runs and ends", () => {
  test.each([0, 1, 7, 125, 255])("with exit code %i", async (code) => {
    const { exit } = await fixture.runToEnd({ argv: ["exit", String(code)] });
    expect(exit).toMatchObject({ code, oom: false, run: "run-1" });
    expect(exit.signal).toBeUndefined();
    expect(exitFile()).toMatchObject({ at: "exit", code, run: "run-1" });
    expect(existsSync(fixture.ctl)).toBe(false);
  });

  test("by a signal: 128 + number", async () => {
    const handle = fixture.launch({ argv: ["pause"] });
    await handle.waitFor("execed");
    await fixture.client().signal("", 9);
    expect(await handle.waitFor("exit")).toMatchObject({ code: 137, signal: 9 });
    await handle.closed;
    expect(exitFile()).toMatchObject({ code: 137, signal: 9 });
  });

  test("in a container whose record is gone: the monitor does not wait for someone to ask", async () => {
    const handle = fixture.launch({ argv: ["pause"] });
    const { pid } = await handle.waitFor("execed");
    handle.close();
    rmSync(dirname(fixture.exitPath), { recursive: true });
    sys.kill(pid as number, 9);
    await until("the monitor has gone", () => !isAlive(handle.monitorPid));
  });

  test("its output is in the log, each stream under its name", async () => {
    const { stdout } = await fixture.runToEnd({ argv: ["echo", "a", "b"] });
    expect(stdout).toBe("a b\n");
    const other = await fixture.runToEnd({ argv: ["stderr", "oops"] });
    expect(other.stderr).toBe("oops\n");
  });

  test("it is pid 1 with exactly three descriptors, its environment and nothing of the engine's", async () => {
    expect((await fixture.runToEnd({ argv: ["pid"] })).stdout).toBe("1\n");
    const { stdout } = await fixture.runToEnd({ argv: ["fds"] });
    expect(stdout).toBe("1\n0\n1\n2\n");
    const env = await fixture.runToEnd({ argv: ["env"], env: ["A=1", "B=two words"] });
    expect(env.stdout).toContain("A=1\nB=two words\n");
  });

  test("exit is reported after the file is written and the log is complete", async () => {
    const handle = fixture.launch({ argv: ["lines", "5000"] });
    await handle.waitFor("exit");
    expect(exitFile().code).toBe(0);
    expect(fixture.records()).toHaveLength(5000);
  });
});

describe("the handshake", () => {
  test("parks at PROCEED and at START", async () => {
    const handle = fixture.launch({ argv: ["echo", "x"] }, {});
    const { pid } = await handle.waitFor("namespaced");
    expect(handle.reports.find("created")).toBeUndefined();
    handle.proceed();
    await handle.waitFor("created");
    expect(readFileSync(`/proc/${pid}/comm`, "utf8")).toBe("tare:[gate]\n");
    expect(fixture.records()).toEqual([]);
    expect((await fixture.client().watch()).state).toMatchObject({ pid, v: 1, run: "run-1" });
    handle.start();
    await handle.waitFor("execed");
    expect(await handle.waitFor("exit")).toMatchObject({ code: 0, pid });
    expect(handle.reports.all.map(({ at }) => at)).toEqual(["plan_ok", "namespaced", "created", "execed", "exit"]);
  });

  test("the same reports come when all is sent ahead", async () => {
    const { handle } = await fixture.runToEnd({ argv: ["true"] });
    expect(handle.reports.all.map(({ at }) => at)).toEqual(["plan_ok", "namespaced", "created", "execed", "exit"]);
  });

  test.each(["namespaced", "created"] as const)("a daemon that dies after %s leaves nothing", async (point) => {
    const handle = fixture.launch({ argv: ["pause"] }, {});
    const { pid } = await handle.waitFor("namespaced");
    if (point === "created") {
      handle.proceed();
      await handle.waitFor("created");
    }
    handle.close();
    await until("both gone", () => !isAlive(pid as number) && !isAlive(handle.monitorPid));
    expect(readdirSync(fixture.run)).toEqual([]);
    expect(existsSync(fixture.exitPath)).toBe(false);
  });

  test("a daemon that dies after START loses nothing", async () => {
    const handle = fixture.launch({ argv: ["cat"], stdio: 1 });
    await handle.waitFor("execed");
    handle.close();
    await handle.closed;
    const session = await fixture.client().attach({ stdin: true, stdout: true });
    await session.write(Buffer.from("after the daemon\n"));
    session.endStdin();
    await session.reports.waitFor("exit");
    await session.closed;
    expect(fixture.logged("stdout")).toBe("after the daemon\n");
    expect(exitFile().code).toBe(0);
  });

  test("a monitor that is killed takes a parked container with it", async () => {
    const handle = fixture.launch({ argv: ["pause"] }, { early: "proceed" });
    const { pid } = await handle.waitFor("created");
    sys.kill(handle.monitorPid, 9);
    await expect(handle.waitFor("execed")).rejects.toBeInstanceOf(ShimUnavailable);
    await until("the child is gone", () => !isAlive(pid as number));
  });

  test("monitors ignore every signal but SIGKILL", async () => {
    const handle = fixture.launch({ argv: ["pause"] });
    await handle.waitFor("execed");
    for (const signal of [1, 2, 3, 10, 12, 13, 14, 15]) sys.kill(handle.monitorPid, signal);
    expect((await fixture.client().watch()).state.at).toBe("state");
  });
});

describe("failures name record, call and path, and leave nothing", () => {
  afterEach(async () => {
    await until("control socket gone", () => !existsSync(fixture.ctl));
    expect(existsSync(fixture.exitPath)).toBe(false);
  });

  test("a program that is not there", async () => {
    const handle = fixture.launchPlan(
      fixture
        .plan({ argv: [] })
        .map((r) => (r.op === "exec" ? { ...r, candidates: ["/a/x", "/b/x"], argv: ["x"] } : r)),
      { early: "start" },
    );
    const error = await failure(handle.waitFor("execed"));
    expect(error.code).toBe("ENOENT");
    expect(error.report).toMatchObject({ name: "exec", call: "execve", path: "x" });
    await handle.closed;
  });

  test("a program that may not be executed wins over one that is missing", async () => {
    writeFileSync(join(fixture.rootfs, "data"), "text");
    chmodSync(join(fixture.rootfs, "data"), 0o644);
    const handle = fixture.launchPlan(
      fixture
        .plan({ argv: [] })
        .map((r) => (r.op === "exec" ? { ...r, candidates: ["/data", "/absent"], argv: ["data"] } : r)),
      { early: "start" },
    );
    expect((await failure(handle.waitFor("execed"))).code).toBe("EACCES");
  });

  test("a bind source that does not exist", async () => {
    const source = join(fixture.dir, "absent");
    const setup = [
      ...BASIC_MOUNTS,
      { op: "bind", source, target: "/data", attributes: 0, flags: 9, propagation: 0, idmapped: 0 } as const,
    ];
    const handle = fixture.launch({ argv: ["true"], setup });
    const { report } = await failure(handle.waitFor("created"));
    expect(report).toMatchObject({ name: "bind", call: "open_tree", errno: 2, path: source });
    expect(fixture.plan({ argv: ["true"], setup })[report.op as number]?.op).toBe("bind");
  });

  test("a seccomp filter the kernel refuses", async () => {
    const handle = fixture.launch({
      argv: ["true"],
      final: [{ op: "seccomp", filter: Buffer.alloc(8, 0xff), flags: 0 }],
    });
    expect((await failure(handle.waitFor("execed"))).report).toMatchObject({
      name: "seccomp",
      call: "seccomp",
      errno: 22,
    });
  });

  test("a log that cannot be opened", async () => {
    const handle = fixture.launch({ argv: ["true"], log: { path: join(fixture.dir, "no/such/log") } });
    expect((await failure(handle.waitFor("created"))).report).toMatchObject({ name: "log", call: "open", errno: 2 });
  });

  test("a cgroup that is not there", async () => {
    const file = join(fixture.dir, "cgroup/tasks");
    const handle = fixture.launch({ argv: ["true"], monitor: [{ op: "cgroup_v1", files: [file] }] });
    expect((await failure(handle.waitFor("created"))).report).toMatchObject({
      name: "cgroup_v1",
      path: file,
      errno: 2,
    });
  });
});

test("an overlay root is the container's alone: no mount of the host's appears", async () => {
  for (const name of ["lower", "upper", "work"]) mkdirSync(join(fixture.dir, name));
  const before = readFileSync("/proc/self/mountinfo", "utf8");
  const root = [
    {
      op: "root_overlay",
      mountPoint: join(fixture.dir, "mnt"),
      base: fixture.dir,
      data: "lowerdir=rootfs:lower,upperdir=upper,workdir=work",
    } as const,
  ];
  const handle = fixture.launch({ argv: ["write", "/made", "here"], root });
  expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
  await handle.closed;
  expect(readFileSync(join(fixture.dir, "upper/made"), "utf8")).toBe("here");
  expect(existsSync(join(fixture.rootfs, "made"))).toBe(false);
  expect(
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(fixture.dir)),
  ).toEqual([]);
  expect(before).not.toContain(fixture.dir);
});

describe("ctr-shim by itself", () => {
  const shim = (args: readonly string[], input?: Uint8Array) => spawnSync(SHIM, args, { input, encoding: "utf8" });

  test("version says which table it was built from", () => {
    const { stdout, status } = shim(["version"]);
    expect(stdout).toBe(`ctr-shim plan 1 control 1 table ${TABLE_HASH.toString(16).padStart(16, "0")}\n`);
    expect(status).toBe(0);
  });

  test("explain prints a plan, one record a line", () => {
    const plan = fixture.plan({ argv: ["echo", 'a "b"'] });
    const lines = shim(["explain"], encodePlan(plan)).stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(plan.length);
    expect(lines[0]).toContain("000 monitor monitor ");
    expect(lines.at(-1)).toContain('final exec ["/hello"] ["hello", "echo", "a \\"b\\""]');
  });

  test.each([["explain"], ["nothing"], []])("refuses %s without sense", (...args) => {
    const { status, stderr } = shim(args.flat(), Buffer.from("TARE"));
    expect(status).not.toBe(0);
    expect(stderr).not.toBe("");
  });

  test("a plan from another table is refused with the reason", async () => {
    const [ours, theirs] = sys.socketpair();
    const other = encodePlan(fixture.plan({ argv: ["true"] }));
    other.writeBigUInt64LE(1n, 16);
    spawnDetached(SHIM, ["shim", "launch"], theirs);
    sys.close(theirs);
    const socket = new Socket({ fd: ours, readable: true, writable: true });
    socket.write(encodeFrame(FRAMES.launch, other));
    const chunks = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(parseReport(Buffer.concat(chunks).subarray(8))).toMatchObject({
      at: "failed",
      call: "decode",
      errno: 71,
      path: "plan version",
    });
  });
});
