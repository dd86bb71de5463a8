/** RunSpec ⇄ OCI runtime configuration, against the published schemas. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import AjvDraft04 from "ajv-draft-04";
import { describe, expect, it } from "vitest";
import { defaultProfile } from "../../../../engine/spec/seccomp/default-profile.ts";
import type { ContainerConfig, HostConfig } from "../../../../engine/spec/config.ts";
import { fromOci } from "../../../../engine/spec/oci/read.ts";
import { printOci, toOci } from "../../../../engine/spec/oci/write.ts";
import { resolve } from "../../../../engine/spec/resolve.ts";
import type { RunSpec } from "../../../../engine/spec/run-spec.ts";
import { validateCreate } from "../../../../engine/spec/validate.ts";
import { configDefaults, hostDefaults } from "../../../support/config-defaults.ts";
import { hostCapabilities, hostView } from "../../../support/host-view.ts";

const SCHEMAS = join(import.meta.dirname, "../../../../../shared/spec/oci-runtime-spec");
const ID = "ab".repeat(32);
const root = { kind: "overlay" as const, base: "/b", lowers: ["1"], upper: "2/fs", work: "2/work" };
function spec(host: Partial<HostConfig> = {}, config: Partial<ContainerConfig> = {}): RunSpec {
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
    root,
    user: { uid: 3, gid: 4, additionalGids: [4, 5], home: "/" },
    paths: { hostname: "/f/hostname", hosts: null, resolvConf: null, shm: null },
    mounts: [{ type: "bind", source: "/h", destination: "/data", options: ["rbind", "rslave", "rro"] }],
    joined: { network: null, ipc: null, pid: 12 },
    cgroupParent: "/tare",
    idRange: checked.host.usernsMode === "auto" ? { start: 100000, size: 65536 } : null,
    view: hostView,
    devices: {
      byPath: new Map([
        ["/dev/sda", [{ path: "/dev/sda", type: "b", major: 8, minor: 0, mode: 0o660, uid: 0, gid: 6 }]],
      ]),
      all: [],
    },
    capabilities: hostCapabilities,
  });
}
const facts = (from: RunSpec) => ({ bounding: from.process.capabilities.bounding, view: hostView });
const SPECS: Readonly<Record<string, RunSpec>> = {
  default: spec(),
  terminal: spec(
    { consoleSize: [24, 80], ulimits: [{ name: "nofile", soft: 5, hard: 10 }] },
    { tty: true, workingDir: "/w" },
  ),
  privileged: spec({ privileged: true, networkMode: "host", pidMode: "container:x", utsMode: "host" }),
  limits: spec({
    memory: 1 << 30, memorySwap: -1, memoryReservation: 1 << 28, memorySwappiness: 5, oomKillDisable: true, nanoCpus: 5e8, cpuShares: 99,
    cpusetCpus: "0-1", pidsLimit: 7, blkioWeight: 77, blkioWeightDevice: [{ path: "/dev/sda", weight: 11 }],
    blkioDeviceReadBps: [{ path: "/dev/sda", rate: 5 }], hugepageLimits: [{ pageSize: "2MB", limit: 5 }], oomScoreAdj: 5,
    devices: [{ pathOnHost: "/dev/sda", pathInContainer: "/dev/x", cgroupPermissions: "r" }], annotations: { a: "b" },
  }), // biome-ignore format: a record
  user: spec({
    usernsMode: "auto",
    timeOffsets: { monotonicSeconds: 1, boottimeSeconds: 2 },
    readonlyRootfs: true,
    securityOpt: ["no-new-privileges"],
  }),
};

describe("there and back", () => {
  it.each(Object.entries(SPECS))("%s", (_name, from) => {
    const back = fromOci(JSON.parse(printOci(toOci(from, "rootfs", facts(from)))), {
      id: ID,
      bundle: "/bundle",
      root,
      cgroupParent: "/x",
      view: hostView,
    });
    const expanded = from.seccomp === "default" ? { ...from, seccomp: { ...defaultProfile(facts(from)) } } : from;
    expect(back).toEqual(expanded);
  });
  it("keeps every digit of an unlimited limit", () => {
    const from = {
      ...SPECS["default"]!,
      process: {
        ...SPECS["default"]!.process,
        rlimits: [{ type: "RLIMIT_CORE", soft: (1n << 64n) - 1n, hard: (1n << 64n) - 1n }],
      },
    };
    const text = printOci(toOci(from, "rootfs", facts(from)));
    expect(text).toContain("18446744073709551615");
    expect(
      fromOci(JSON.parse(text), { id: ID, bundle: "/b", root, cgroupParent: "/x", view: hostView }).process.rlimits,
    ).toEqual(from.process.rlimits);
  });
  it("resolves what is relative against the bundle", () => {
    const config = {
      ociVersion: "1.0.2",
      root: { path: "rootfs" },
      process: { cwd: "/", args: ["sh"] },
      mounts: [{ destination: "data", source: "src", options: ["bind"] }],
    };
    const read = fromOci(config, { id: "x", bundle: "/bundle", cgroupParent: "/p", view: hostView });
    expect(read.root).toEqual({ kind: "directory", path: "/bundle/rootfs" });
    expect(read.mounts).toEqual([{ type: "bind", source: "/bundle/src", destination: "/data", options: ["bind"] }]);
    expect(read).toMatchObject({ cgroupsPath: "/p/x", rootfsPropagation: "rslave", seccomp: null });
  });
});

describe("refusals", () => {
  const base = { ociVersion: "1.0.2", root: { path: "r" }, process: { cwd: "/", args: ["sh"] } };
  it.each<[object, string]>([
    [{ ...base, ociVersion: "2.0.0" }, "ociVersion: 2.0.0 is not a version 1"],
    [{ ...base, root: undefined }, "root: is required"],
    [{ ...base, process: { cwd: "x", args: ["sh"] } }, 'process.cwd: "x" is not absolute'],
    [{ ...base, process: { cwd: "/", args: [] } }, "process.args: is required"],
    [{ ...base, process: { cwd: "/", args: [5] } }, "process.args[0]: a string is expected"],
    [{ ...base, process: { ...base.process, selinuxLabel: "x" } }, "process.selinuxLabel is not supported"],
    [{ ...base, linux: { intelRdt: { closID: "x" } } }, "linux.intelRdt is not supported"],
    [{ ...base, linux: { namespaces: [{ type: "odd" }] } }, 'linux.namespaces[0].type: "odd" is not one of'],
    [{ ...base, hooks: { poststop: [{ path: "rel" }] } }, "hooks.poststop[0].path"],
    [
      { ...base, linux: { resources: { memory: { limit: "5" } } } },
      "linux.resources.memory.limit: a whole number is expected",
    ],
  ])("%j", (config, message) => {
    expect(() => fromOci(config, { id: "x", bundle: "/b", cgroupParent: "/p", view: hostView })).toThrow(message);
  });
});

describe("the published schema", () => {
  if (!existsSync(SCHEMAS)) process.stderr.write(`skipped: ${SCHEMAS} is not here, OCI schemas are not checked\n`);
  it.skipIf(!existsSync(SCHEMAS)).each(Object.entries(SPECS))("accepts %s", (_name, from) => {
    // draft 04; references between the files are by name
    const ajv = new AjvDraft04.default({ strict: false, allErrors: true });
    for (const file of readdirSync(SCHEMAS)) {
      const schema = JSON.parse(readFileSync(join(SCHEMAS, file), "utf8")) as { id?: string };
      ajv.addSchema({ ...schema, id: `https://oci/${file}` });
    }
    const validate = ajv.getSchema("https://oci/config-schema.json");
    const valid = validate?.(JSON.parse(printOci(toOci(from, "rootfs", facts(from)))));
    expect(validate?.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });
});
