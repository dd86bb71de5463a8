/** Plans as text: what a launch consists of is reviewed in test/golden. */
import { describe, expect, it } from "vitest";
import type { RunSpec } from "../../../../../engine/spec/run-spec.ts";
import { candidates } from "../../../../../engine/isolation/namespace/candidates.ts";
import { compile, compileExec, type CompileInput } from "../../../../../engine/isolation/namespace/compile.ts";
import { parseMountWords } from "../../../../../engine/isolation/namespace/mount-words.ts";
import { render } from "../../../../../engine/isolation/namespace/render.ts";
import { encodePlan } from "../../../../../native/binding/encode.ts";
import { resolve } from "../../../../../engine/spec/resolve.ts";
import type { ContainerConfig, HostConfig } from "../../../../../engine/spec/config.ts";
import { validateCreate } from "../../../../../engine/spec/validate.ts";
import { configDefaults, hostDefaults } from "../../../../support/config-defaults.ts";
import { hostCapabilities, hostView } from "../../../../support/host-view.ts";

const ID = "0123456789abcdef".repeat(4);
function spec(
  host: Partial<HostConfig> = {},
  config: Partial<ContainerConfig> = {},
  mounts: RunSpec["mounts"] = [],
): RunSpec {
  const full = { ...configDefaults, cmd: ["hello", "there"], ...config };
  const checked = validateCreate({
    config: full,
    host: { ...hostDefaults, networkMode: "none", ...host },
    view: hostView,
    capabilities: hostCapabilities,
  });
  return resolve({
    id: ID,
    config: full,
    host: checked.host,
    root: { kind: "overlay", base: "/data/snapshots", lowers: ["2/fs", "1/fs"], upper: "3/fs", work: "3/work" },
    user: { uid: 1000, gid: 100, additionalGids: [100], home: "/home/u" },
    paths: { hostname: "/c/hostname", hosts: "/c/hosts", resolvConf: "/c/resolv.conf", shm: null },
    mounts,
    joined: { network: null, ipc: null, pid: 77 },
    cgroupParent: "/tare",
    idRange: checked.host.usernsMode === "auto" ? { start: 100000, size: 65536 } : null,
    view: hostView,
    devices: { byPath: new Map(), all: [] },
    capabilities: hostCapabilities,
  });
}
const V1: CompileInput["placement"] = {
  version: 1,
  tasks: ["/cg/memory/tare/x/tasks", "/cg/devices/tare/default-devices/tasks"],
  oomDirectory: "/cg/memory/tare/x",
  mounts: [{ source: "/cg/memory/tare/x", name: "memory", aliases: [] }],
};
const V2: CompileInput["placement"] = { version: 2, directory: "/sys/fs/cgroup/tare/x" };
const plan = (from: RunSpec, placement: CompileInput["placement"] = V2) =>
  compile({
    spec: from,
    runId: "00ff00ff00ff00ff",
    runtimeDir: "/run/tare/r/00ff00ff00ff00ff",
    exitPath: "/data/exit",
    log: { format: "json-file", path: "/data/log", maxBytes: 1000, maxFiles: 2, attrs: "" },
    mountPoint: "/run/tare/rootfs",
    placement,
    seccomp: from.seccomp === null ? null : { filter: new Uint8Array(16), flags: 4 },
    daemonOomScoreAdj: 0,
  });
const golden = (name: string) => `../../../../golden/plan-${name}.txt`;

describe("golden plans", () => {
  it.each<[string, () => string]>([
    ["default-v2", () => render(plan(spec()))],
    ["default-v1", () => render(plan(spec({ cgroupnsMode: "host" }), V1))],
    [
      "terminal-readonly-init",
      () =>
        render(
          plan(
            spec(
              { readonlyRootfs: true, init: true, securityOpt: ["no-new-privileges"] },
              { tty: true, openStdin: true, workingDir: "/w" },
            ),
          ),
        ),
    ],
    ["user-namespace", () => render(plan(spec({ usernsMode: "auto" })))],
    [
      "privileged-shared",
      () =>
        render(
          plan(
            spec({
              privileged: true,
              networkMode: "host",
              pidMode: "container:x",
              utsMode: "host",
              ipcMode: "host",
              oomScoreAdj: 5,
            }),
          ),
        ),
    ],
    [
      "mounts",
      () =>
        render(
          plan(
            spec(
              {
                ulimits: [{ name: "nofile", soft: 10, hard: -1 }],
                timeOffsets: { monotonicSeconds: 1, boottimeSeconds: 2 },
              },
              {},
              [
                { type: "bind", source: "/h", destination: "/data", options: ["rbind", "rprivate", "rro"] },
                { type: "bind", source: "/s", destination: "/slave", options: ["bind", "rslave", "ro", "nosuid"] },
                { type: "tmpfs", source: "tmpfs", destination: "/t", options: ["noexec", "size=1m", "rprivate"] },
              ],
            ),
          ),
        ),
    ],
    [
      "exec",
      () =>
        render(
          compileExec({
            execId: "abcdef",
            runId: "00ff00ff00ff00ff",
            process: { ...spec().process, args: ["/bin/sh"], terminal: true, consoleSize: { height: 24, width: 80 } },
            stdin: true,
            pid: 42,
            startTime: 4711,
            namespaces: 0x20020000,
            placement: V1,
            seccomp: { filter: new Uint8Array(8), flags: 4 },
            daemonOomScoreAdj: 0,
          }),
        ),
    ],
  ])("%s", async (name, make) => {
    await expect(make()).toMatchFileSnapshot(golden(name));
  });
});

describe("compile", () => {
  it("is encodable, and small", () => {
    expect(encodePlan(plan(spec())).length).toBeLessThan(8 << 10);
  });
  it("ends every plan with exec and has one gate", () => {
    for (const from of [spec(), spec({ usernsMode: "auto" }), spec({ privileged: true })]) {
      const ops = plan(from).map(({ op }) => op);
      expect(ops.at(-1)).toBe("exec");
      expect(ops.filter((op) => op === "gate")).toHaveLength(1);
    }
  });
  it("makes devices after /dev and before the user's mounts, and leaves a user's /dev alone", () => {
    const bind = (destination: string) => ({ type: "bind", source: "/h", destination, options: ["rbind"] });
    const ops = plan(spec({}, {}, [bind("/dev/null")]));
    const at = (match: (record: (typeof ops)[number]) => boolean) => ops.findIndex(match);
    expect(at((r) => r.op === "device" && r.path === "/dev/null")).toBeGreaterThan(
      at((r) => r.op === "mount" && r.target === "/dev"),
    );
    expect(at((r) => r.op === "bind" && r.target === "/dev/null")).toBeGreaterThan(
      at((r) => r.op === "device" && r.path === "/dev/null"),
    );
    expect(plan(spec({}, {}, [bind("/dev")])).some(({ op }) => op === "device" || op === "symlink")).toBe(false);
  });
  it("refuses to give mounts back to the host", () => {
    expect(() =>
      plan(spec({}, {}, [{ type: "bind", source: "/h", destination: "/x", options: ["rbind", "rshared"] }])),
    ).toThrow("propagation shared is not supported");
  });
  it("refuses a tmpfs that should start with the image's files, naming it", () => {
    const mount = { type: "tmpfs", source: "tmpfs", destination: "/cache", options: ["size=1m", "tmpcopyup"] };
    expect(() => plan(spec({}, {}, [mount]))).toThrow(
      expect.objectContaining({ code: "mount.tmpcopyup", message: expect.stringContaining("mount /cache: ") }),
    );
  });
  it("loads the filter before the ids change unless no_new_privs precedes it", () => {
    const order = (from: RunSpec) =>
      plan(from)
        .map(({ op }) => op)
        .filter((op) => ["seccomp", "user", "no_new_privs", "capabilities"].includes(op));
    expect(order(spec())).toEqual(["seccomp", "capabilities", "user"]);
    expect(order(spec({ securityOpt: ["no-new-privileges"] }))).toEqual([
      "no_new_privs",
      "capabilities",
      "user",
      "seccomp",
    ]);
  });
});

describe("candidates", () => {
  it.each<[string, string[], string[]]>([
    ["sh", ["PATH=/a:/b"], ["/a/sh", "/b/sh"]],
    ["sh", ["PATH=:/b"], ["./sh", "/b/sh"]],
    ["./sh", ["PATH=/a"], ["./sh"]],
    ["sh", [], [""]],
    ["", ["PATH=/a"], [""]],
  ])("%j with %j", (name, env, expected) => {
    expect(candidates(name, env)).toEqual(expected);
  });
});

describe("mount words", () => {
  it("split attributes, structure, propagation and data", () => {
    expect(parseMountWords(["rbind", "ro", "nosuid", "rslave", "size=5", "strictatime"])).toMatchObject({
      attributes: 0x23,
      recursiveAttributes: false,
      bind: true,
      recursive: true,
      propagation: (1 << 19) | 0x4000,
      data: ["size=5"],
    });
    expect(parseMountWords(["bind", "rro", "ro", "rw"])).toMatchObject({ attributes: 0, recursiveAttributes: true });
    expect(parseMountWords(["newinstance", "relatime", "defaults"])).toMatchObject({
      attributes: 0,
      data: ["newinstance"],
    });
  });
});
