/** The engine and its host → GET /info. */
import type { ContainerSnapshot, Engine, HostFacts } from "../../../engine/index.ts";
import { type InfoReply, SERVER_VERSION } from "../../schema/index.ts";

export function wireInfo(engine: Engine, nowMs: number): InfoReply {
  const facts = engine.facts();
  const { config } = engine;
  return {
    ID: engine.id,
    ...counts(engine.containers.list()),
    Images: engine.images.list().length,
    ...STORAGE,
    ...limits(facts),
    Debug: config.logLevel === "debug",
    NFd: 0,
    OomKillDisable: facts.limits.has("oomKillDisable"),
    NGoroutines: 0,
    SystemTime: new Date(nowMs).toISOString(),
    LoggingDriver: config.logDriver,
    ...host(facts),
    GenericResources: null,
    DockerRootDir: config.dataRoot,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: facts.hostname,
    Labels: [...config.labels],
    ExperimentalBuild: false,
    ServerVersion: SERVER_VERSION,
    ...RUNTIME,
    SecurityOptions: [...facts.securityOptions],
    CDISpecDirs: [],
    Warnings: facts.warnings.length === 0 ? null : [...facts.warnings],
  };
}

const STORAGE = {
  Driver: "overlay2",
  DriverStatus: [
    ["Supports d_type", "true"],
    ["Using metacopy", "false"],
    ["Native Overlay Diff", "true"],
    ["userxattr", "false"],
  ],
  Plugins: {
    Volume: ["local"],
    Network: ["bridge", "host", "null"],
    Authorization: null,
    Log: ["json-file", "none"],
  },
};

const RUNTIME = {
  // "runc" is the same: the name that clients and compose files have in them.
  Runtimes: { runc: { path: "ctr-shim" }, tare: { path: "ctr-shim" } },
  DefaultRuntime: "tare",
  Swarm: {
    NodeID: "",
    NodeAddr: "",
    LocalNodeState: "inactive",
    ControlAvailable: false,
    Error: "",
    RemoteManagers: null,
  },
  LiveRestoreEnabled: true,
  Isolation: "",
  InitBinary: "ctr-shim",
  ContainerdCommit: { ID: "" },
  RuncCommit: { ID: "" },
  InitCommit: { ID: "" },
};

const limits = ({ limits: known, ipv4Forwarding }: HostFacts) => ({
  MemoryLimit: known.has("memory"),
  SwapLimit: known.has("swap"),
  CpuCfsPeriod: known.has("cpu"),
  CpuCfsQuota: known.has("cpu"),
  CPUShares: known.has("cpu"),
  CPUSet: known.has("cpuset"),
  PidsLimit: known.has("pids"),
  IPv4Forwarding: ipv4Forwarding,
});

const host = (facts: HostFacts) => ({
  CgroupDriver: facts.cgroupDriver,
  CgroupVersion: String(facts.cgroupVersion),
  NEventsListener: 0,
  KernelVersion: facts.kernelVersion,
  OperatingSystem: facts.operatingSystem,
  OSVersion: facts.osVersion,
  OSType: "linux",
  Architecture: facts.architecture,
  IndexServerAddress: "",
  RegistryConfig: { InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8"], IndexConfigs: {}, Mirrors: null },
  NCPU: facts.cpus,
  MemTotal: facts.memoryBytes,
});

function counts(list: readonly ContainerSnapshot[]) {
  const paused = list.filter(({ state }) => state.status === "paused").length;
  const running = list.filter(({ state }) => state.status === "running" || state.status === "restarting").length;
  return {
    Containers: list.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: list.length - running - paused,
  };
}
