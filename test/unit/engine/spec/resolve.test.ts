import { describe, expect, it } from "vitest";
import { capabilityMask, effectiveCapabilities } from "../../../../engine/spec/capabilities.ts";
import type { ContainerConfig, ExecRequest, HostConfig } from "../../../../engine/spec/config.ts";
import { resolve, type ResolveInput } from "../../../../engine/spec/resolve.ts";
import { resolveExec } from "../../../../engine/spec/resolve-process.ts";
import { validateCreate } from "../../../../engine/spec/validate.ts";
import { configDefaults, hostDefaults } from "../../../support/config-defaults.ts";
import { hostCapabilities, hostView } from "../../../support/host-view.ts";

const ID = "0123456789abcdef".repeat(4);
function spec(
  host: Partial<HostConfig> = {},
  config: Partial<ContainerConfig> = {},
  extra: Partial<ResolveInput> = {},
) {
  const full = { ...configDefaults, cmd: ["sh"], ...config };
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
    root: { kind: "overlay", base: "/b", lowers: ["1"], upper: "2/fs", work: "2/work" },
    user: { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" },
    paths: { hostname: "/f/hostname", hosts: "/f/hosts", resolvConf: "/f/resolv.conf", shm: null },
    mounts: [],
    joined: { network: null, ipc: null, pid: null },
    cgroupParent: "/tare",
    idRange: null,
    view: hostView,
    devices: { byPath: new Map(), all: [] },
    capabilities: hostCapabilities,
    ...extra,
  });
}
const destinations = (result: ReturnType<typeof spec>) => result.mounts.map(({ destination }) => destination);
const namespaces = (result: ReturnType<typeof spec>) =>
  result.namespaces.map(({ type, path }) => (path === null ? type : `${type} ${path}`));

describe("process", () => {
  it("has Docker's environment", () => {
    expect(spec({}, { env: ["PATH=/x", "FOO=1"] }).process.env).toEqual([
      "HOME=/root",
      "PATH=/x",
      "HOSTNAME=0123456789ab",
      "FOO=1",
    ]);
    expect(spec({}, { tty: true, env: ["HOSTNAME", "HOME=/h"] }).process.env).toEqual([
      expect.stringMatching(/^PATH=/),
      "TERM=xterm",
      "HOME=/h",
    ]);
  });
  it("has a clean absolute directory and the console's size with a terminal only", () => {
    expect(spec({}, { workingDir: "/a/../b/" }).process.cwd).toBe("/b");
    expect(spec({ consoleSize: [24, 80] }, { tty: true }).process.consoleSize).toEqual({ height: 24, width: 80 });
    expect(spec({ consoleSize: [24, 80] }).process.consoleSize).toBeNull();
  });
  it("has Docker's capabilities and nothing inheritable", () => {
    const { capabilities } = spec().process;
    expect(capabilityMask(capabilities.bounding)).toBe(0xa80425fbn);
    expect(capabilities).toMatchObject({
      inheritable: [],
      ambient: [],
      effective: capabilities.bounding,
      permitted: capabilities.bounding,
    });
  });
  it.each<[string[] | null, string[] | null, bigint]>([
    [["NET_ADMIN"], null, 0xa80435fbn],
    [["cap_net_admin"], ["ALL"], 0x1000n],
    [["ALL"], ["SYS_ADMIN"], ((1n << 41n) - 1n) & ~(1n << 21n)],
    [["CHOWN"], ["CHOWN"], 0xa80425fbn],
    [null, ["chown", "KILL"], 0xa80425dan],
  ])("adds %j and drops %j", (add, drop, mask) => {
    expect(capabilityMask(effectiveCapabilities(add, drop, false, hostView.capabilities))).toBe(mask);
  });
  it("clamps limits to what the daemon may give", () => {
    const view = { ...hostView, capabilities: ["CAP_CHOWN"], oomScoreAdj: 100 };
    const { process } = spec(
      { ulimits: [{ name: "nofile", soft: -1, hard: -1 }], oomScoreAdj: -5, privileged: true },
      {},
      { view },
    );
    expect(process.rlimits).toEqual([{ type: "RLIMIT_NOFILE", soft: 4096n, hard: 4096n }]);
    expect(process.oomScoreAdj).toBe(100);
    expect(process.capabilities.bounding).toEqual(["CAP_CHOWN"]);
  });
});

describe("mounts", () => {
  it("are Docker's, in order", () => {
    expect(destinations(spec())).toEqual([
      "/proc",
      "/dev",
      "/dev/pts",
      "/sys",
      "/sys/fs/cgroup",
      "/dev/mqueue",
      "/dev/shm",
      "/etc/resolv.conf",
      "/etc/hostname",
      "/etc/hosts",
    ]);
  });
  it("are replaced by the user's", () => {
    const bind = (destination: string) => ({ type: "bind", source: "/s", destination, options: ["rbind"] });
    expect(destinations(spec({}, {}, { mounts: [bind("/a/b"), bind("/dev"), bind("/a"), bind("/etc/hosts")] }))).toEqual([
      "/proc", "/sys", "/sys/fs/cgroup", "/dev", "/a", "/a/b", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname",
    ]); // biome-ignore format: a list
  });
  it("follow privilege, read-only roots and ipc modes", () => {
    const options = (result: ReturnType<typeof spec>, at: string) =>
      result.mounts.find(({ destination }) => destination === at)?.options;
    expect(options(spec(), "/sys")).toContain("ro");
    expect(options(spec({ privileged: true }), "/sys")).not.toContain("ro");
    expect(options(spec({ privileged: true }), "/sys/fs/cgroup")).not.toContain("ro");
    expect(options(spec({ readonlyRootfs: true }), "/etc/hosts")).toContain("ro");
    expect(options(spec({ readonlyRootfs: true }), "/dev/shm")).not.toContain("ro");
    expect(options(spec({ shmSize: 1 << 20 }), "/dev/shm")).toContain("size=1048576");
    expect(destinations(spec({ ipcMode: "none" }))).not.toContain("/dev/shm");
    expect(spec({ ipcMode: "host" }).mounts.find(({ destination }) => destination === "/dev/shm")).toMatchObject({
      type: "bind",
      source: "/dev/shm",
    });
  });
});

describe("namespaces", () => {
  it("are new, shared or joined", () => {
    expect(namespaces(spec())).toEqual(["mount", "pid", "network", "uts", "ipc", "cgroup"]);
    expect(
      namespaces(
        spec({ networkMode: "host", pidMode: "host", utsMode: "host", ipcMode: "host", cgroupnsMode: "host" }),
      ),
    ).toEqual(["mount"]);
    expect(namespaces(spec({ networkMode: "container:x", pidMode: "container:y" }, {}, { joined: { network: 5, ipc: null, pid: 6 } }))).toEqual([
      "mount", "pid /proc/6/ns/pid", "network /proc/5/ns/net", "uts", "ipc", "cgroup",
    ]); // biome-ignore format: a list
    const auto = spec(
      { usernsMode: "auto", timeOffsets: { monotonicSeconds: 5, boottimeSeconds: 6 } },
      {},
      { idRange: { start: 100000, size: 65536 } },
    );
    expect(namespaces(auto)).toEqual(["mount", "pid", "network", "uts", "ipc", "cgroup", "user", "time"]);
    expect(auto.uidMappings).toEqual([{ containerId: 0, hostId: 100000, size: 65536 }]);
    expect(auto.sysctl).not.toHaveProperty("net.ipv4.ping_group_range");
  });
  it("decide sysctls and the hostname", () => {
    expect(spec({ sysctls: { "net.ipv4.ip_forward": "1" } }).sysctl).toEqual({
      "net.ipv4.ip_unprivileged_port_start": "0",
      "net.ipv4.ping_group_range": "0 2147483647",
      "net.ipv4.ip_forward": "1",
    });
    expect(spec({ networkMode: "host" })).toMatchObject({ sysctl: {}, hostname: "thehost" });
    expect(spec({ utsMode: "host" }).hostname).toBe("");
    expect(spec({}, { hostname: "mine" }).hostname).toBe("mine");
  });
});

describe("security and limits", () => {
  it("is confined unless privileged or told otherwise", () => {
    expect(spec().seccomp).toBe("default");
    expect(spec({ privileged: true })).toMatchObject({ seccomp: null, maskedPaths: [], readonlyPaths: [] });
    expect(spec({ securityOpt: ["seccomp=unconfined", "no-new-privileges"] })).toMatchObject({
      seccomp: null,
      process: { noNewPrivileges: true },
    });
    expect(spec({ securityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'] }).seccomp).toMatchObject({
      defaultAction: "SCMP_ACT_ALLOW",
    });
  });
  it("gives devices and their rules", () => {
    const device = { path: "/dev/fuse", type: "c" as const, major: 10, minor: 229, mode: 0o666, uid: 0, gid: 0 };
    const devices = { byPath: new Map([["/dev/fuse", [device]]]), all: [] };
    const result = spec(
      {
        devices: [{ pathOnHost: "/dev/fuse", pathInContainer: "/dev/f", cgroupPermissions: "rw" }],
        deviceCgroupRules: ["b 8:* r"],
      },
      {},
      { devices },
    );
    expect(result.devices).toEqual([
      { path: "/dev/f", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 },
    ]);
    expect(result.resources.devices.slice(-2)).toEqual([
      { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
      { allow: true, type: "b", major: 8, minor: null, access: "r" },
    ]);
    expect(spec({ privileged: true }).resources.devices).toEqual([
      { allow: true, type: "a", major: null, minor: null, access: "rwm" },
    ]);
  });
  it("turns NanoCpus into a quota, and finds its cgroup", () => {
    expect(spec({ nanoCpus: 15e8 }).resources.cpu).toMatchObject({ quota: 150_000, period: 100_000 });
    expect(spec().cgroupsPath).toBe(`/tare/${ID}`);
    expect(spec({ cgroupParent: "own/../slice" }).cgroupsPath).toBe(`/slice/${ID}`);
  });
});

describe("exec", () => {
  const request: ExecRequest = {
    attachStdin: false, attachStdout: true, attachStderr: true, tty: false, cmd: ["id"], env: [], user: "", workingDir: "", privileged: false,
    detachKeys: "", consoleSize: null,
  }; // biome-ignore format: a record
  const other = { uid: 5, gid: 6, additionalGids: [6], home: "/home/five" };
  it("takes the container's environment, and HOME of its own user", () => {
    const container = spec({}, { env: ["A=1"], workingDir: "/w" });
    const process = resolveExec(container, { ...request, env: ["B=2", "A"], tty: true }, other, hostView);
    expect(process.env).toEqual([
      "HOME=/home/five",
      expect.stringMatching(/^PATH=/),
      "HOSTNAME=0123456789ab",
      "TERM=xterm",
      "B=2",
    ]);
    expect(process).toMatchObject({ cwd: "/w", user: { uid: 5, gid: 6, additionalGids: [6] }, terminal: true });
    expect(resolveExec(spec({}, { env: ["HOME=/set"] }), request, other, hostView).env).toContain("HOME=/set");
  });
  it("gets more power only when privileged", () => {
    expect(resolveExec(spec(), request, other, hostView).capabilities).toEqual(spec().process.capabilities);
    expect(resolveExec(spec(), { ...request, privileged: true }, other, hostView).capabilities.bounding).toEqual(
      hostView.capabilities,
    );
  });
});
