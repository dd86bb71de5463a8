/** Binds of directories that contain the engine's own, and sources that change while a container is made. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BIND, type OpRecord, ShimFailure, sys } from "../../../native/binding/index.ts";
import { BASIC_MOUNTS, Fixture, fsMount, type PlanParts } from "./fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.dispose());

const bind = (source: string, target: string, flags: number = BIND.recursive): OpRecord => ({
  op: "bind",
  source,
  target,
  attributes: 0,
  flags: flags | BIND.createTarget,
  propagation: 0,
  idmapped: 0,
});
/** Mount points inside the container, in the order they were made. */
async function mountPoints(parts: PlanParts): Promise<readonly string[]> {
  const { exit, stdout } = await fixture.runToEnd(parts);
  expect(exit.code).toBe(0);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ")[4] as string);
}

const MAP = "0 200000 65536\n";
const userns: OpRecord[] = [{ op: "user_namespace", uidMap: MAP, gidMap: MAP, denySetgroups: 0 }];
const usernsMounts: OpRecord[] = [fsMount("proc", "/proc"), fsMount("tmpfs", "/dev", ["mode=755"])];

/** Every way a root is made. */
const ROOTS: Readonly<Record<string, () => Partial<PlanParts>>> = {
  "a directory": () => ({}),
  "an overlay": () => {
    for (const name of ["upper", "work"]) mkdirSync(join(fixture.dir, name));
    const data = "lowerdir=rootfs,upperdir=upper,workdir=work";
    return { root: [{ op: "root_overlay", mountPoint: join(fixture.dir, "mnt"), base: fixture.dir, data }] };
  },
  "a directory in a user namespace": () => ({
    monitor: userns,
    root: [{ op: "root_bind", mountPoint: join(fixture.dir, "mnt"), source: fixture.rootfs, idmapped: 1 }],
    setup: usernsMounts,
  }),
  "an overlay in a user namespace": () => {
    for (const name of ["upper/fs", "upper/work"]) mkdirSync(join(fixture.dir, name), { recursive: true });
    const mountPoint = join(fixture.dir, "mnt");
    const overlay: OpRecord = {
      op: "root_overlay_idmapped",
      mountPoint,
      base: fixture.dir,
      lowers: ["rootfs"],
      upper: "upper/fs",
      work: "upper/work",
      options: "",
    };
    return { monitor: userns, outer: [overlay], root: [{ op: "root_prepared", mountPoint }], setup: usernsMounts };
  },
};

describe.each(Object.keys(ROOTS))("with %s as root", (name) => {
  test("a recursive bind of what contains the mount point has no mount of ours in it", async () => {
    const parts = ROOTS[name]?.() as Partial<PlanParts>;
    const setup = [...(parts.setup ?? BASIC_MOUNTS), bind(fixture.dir, "/host"), bind("/", "/all")];
    const points = await mountPoints({ ...parts, argv: ["mounts"], setup });
    expect(points).toContain("/host");
    expect(points).toContain("/all");
    expect(points.filter((point) => point.startsWith("/host/"))).toEqual([]);
    expect(points.filter((point) => point.startsWith(`/all${fixture.dir}`))).toEqual([]);
  });
});

test("mounts below a recursive source come along, those below a plain one do not", async () => {
  const source = join(fixture.dir, "source");
  mkdirSync(join(source, "below"), { recursive: true });
  sys.mount("tmpfs", join(source, "below"), "tmpfs", 0, "size=64k");
  try {
    const setup = [...BASIC_MOUNTS, bind(source, "/deep"), bind(source, "/flat", 0)];
    const points = await mountPoints({ argv: ["mounts"], setup });
    expect(points.filter((point) => /^\/(deep|flat)/.test(point))).toEqual(["/deep", "/deep/below", "/flat"]);
  } finally {
    sys.umount2(join(source, "below"), sys.MNT.detach);
  }
});

test("a source that a record of the same plan would make does not exist for it", async () => {
  const made = join(fixture.dir, "mnt/made");
  const setup: OpRecord[] = [
    ...BASIC_MOUNTS,
    { op: "directory", path: "/made", mode: 0o755, uid: 0, gid: 0 },
    bind(made, "/x"),
  ];
  await expect(fixture.launch({ argv: ["true"], setup }).waitFor("execed")).rejects.toMatchObject({
    code: "ENOENT",
    report: { name: "bind", call: "open_tree", path: made },
  });
});

test("the source is opened once: what takes its name afterwards is not bound", async () => {
  const source = join(fixture.dir, "source");
  const other = mkdtempSync(join(fixture.dir, "other-"));
  mkdirSync(source);
  writeFileSync(join(source, "file"), "first");
  writeFileSync(join(other, "file"), "second");
  const argv = ["read", "/v/file"];
  const handle = fixture.launch({ argv, setup: [...BASIC_MOUNTS, bind(source, "/v")] }, { early: "proceed" });
  await handle.waitFor("created");
  renameSync(source, `${source}.old`);
  symlinkSync(other, source);
  handle.start();
  expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
  await handle.closed;
  expect(fixture.logged("stdout")).toBe("first");
});

test.each([
  ["gone", "ENOENT", BIND.recursive],
  ["a link where none may be", "ELOOP", BIND.recursive | BIND.sourceNoFollow],
])(
  "a source that is %s before PROCEED ends in a failure that names its record, and leaves nothing",
  async (what, code, flags) => {
    const source = join(fixture.dir, "source");
    mkdirSync(source);
    const plan = fixture.plan({ argv: ["true"], setup: [...BASIC_MOUNTS, bind(source, "/v", flags)] });
    const handle = fixture.launchPlan(plan);
    await handle.waitFor("namespaced");
    rmSync(source, { recursive: true });
    if (what !== "gone") symlinkSync("/etc", source);
    handle.proceed();
    const error = await handle.waitFor("created").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ShimFailure);
    const op = plan.findIndex((record) => record.op === "bind");
    expect(error).toMatchObject({ code, report: { name: "bind", path: source, op } });
    await handle.closed;
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(fixture.dir);
  },
);
