import { describe, expect, it } from "vitest";
import type { ContainerConfig, HostConfig } from "../../../../engine/spec/config.ts";
import { validateCreate, validateUpdate } from "../../../../engine/spec/validate.ts";
import { configDefaults, hostDefaults } from "../../../support/config-defaults.ts";
import { hostCapabilities, hostView } from "../../../support/host-view.ts";

const GiB = 1 << 30;
const check = (
  host: Partial<HostConfig>,
  config: Partial<ContainerConfig> = {},
  without: readonly string[] = [],
  view = hostView,
) =>
  validateCreate({
    config: { ...configDefaults, ...config },
    host: { ...hostDefaults, networkMode: "none", ...host },
    view,
    capabilities: {
      ...hostCapabilities,
      limits: new Set([...hostCapabilities.limits].filter((limit) => !without.includes(limit))),
    },
  });

describe("defaults written back", () => {
  it("are Docker's", () => {
    const { host, warnings } = check({ networkMode: "", memory: GiB });
    expect(host).toMatchObject({
      networkMode: "bridge",
      restartPolicy: { name: "no", maximumRetryCount: 0 },
      shmSize: 67108864,
      ipcMode: "private",
      cgroupnsMode: "private",
      memorySwap: 2 * GiB,
      oomKillDisable: false,
      pidsLimit: null,
    });
    expect(host.maskedPaths).toContain("/proc/kcore");
    expect(warnings).toEqual([expect.stringContaining("loopback only")]);
  });
  it("keep what was given", () => {
    const { host } = check({ maskedPaths: [], cgroupnsMode: "host", pidsLimit: 0, memory: GiB, memorySwap: -1 });
    expect(host).toMatchObject({ maskedPaths: [], cgroupnsMode: "host", pidsLimit: null, memorySwap: -1 });
    expect(check({ privileged: true }).host.maskedPaths).toBeNull();
  });
});

describe("refusals", () => {
  it.each<[Partial<HostConfig>, string]>([
    [{ memory: 1 << 20 }, "Minimum memory limit allowed is 6MB"],
    [{ memory: GiB, memorySwap: 1 << 29 }, "Minimum memoryswap limit should be larger than memory limit"],
    [{ memorySwap: GiB }, "You should always set the Memory limit when using Memoryswap limit"],
    [{ memorySwappiness: 101 }, "valid memory swappiness range is 0-100"],
    [{ memory: GiB, memoryReservation: 2 * GiB }, "Minimum memory limit can not be less than memory reservation limit"],
    [{ nanoCpus: 1e9, cpuQuota: 5000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
    [{ nanoCpus: 5e9 }, "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available"],
    [{ cpuPeriod: 10 }, "CPU cfs period can not be less than 1ms"],
    [{ cpusetCpus: "0-9" }, "Requested CPUs are not available - requested 0-9, available: 0-3"],
    [{ cpusetCpus: "a" }, "Invalid value a for cpuset cpus"],
    [{ blkioWeight: 5 }, "Range of blkio weight is from 10 to 1000"],
    [{ oomScoreAdj: 1001 }, "Invalid value 1001, range for oom score adj is [-1000, 1000]"],
    [
      { autoRemove: true, restartPolicy: { name: "always", maximumRetryCount: 0 } },
      "can't create 'AutoRemove' container with restart policy",
    ],
    [
      { restartPolicy: { name: "always", maximumRetryCount: 3 } },
      "maximum retry count can only be used with 'on-failure'",
    ],
    [{ restartPolicy: { name: "odd" as "no", maximumRetryCount: 0 } }, "unknown policy 'odd'"],
    [{ capAdd: ["NO_SUCH"] }, 'invalid CapAdd: unknown capability: "NO_SUCH"'],
    [{ securityOpt: ["odd=1"] }, 'invalid --security-opt 2: "odd=1"'],
    [{ securityOpt: ["seccomp={"] }, "seccomp"],
    [
      { sysctls: { "kernel.core_pattern": "|/x" } },
      "sysctl 'kernel.core_pattern' is not in a separate kernel namespace",
    ],
    [{ sysctls: { "net.ipv4.ip_forward": "1\n+kernel.x=1" } }, "line break"],
    [{ networkMode: "host", sysctls: { "net.ipv4.ip_forward": "1" } }, "not allowed in host network namespace"],
    [{ ipcMode: "host", sysctls: { "kernel.msgmax": "1" } }, "not allowed in host ipc namespace"],
    [{ ulimits: [{ name: "odd", soft: 1, hard: 1 }] }, "invalid ulimit type: odd"],
    [{ ulimits: [{ name: "nofile", soft: 5, hard: 1 }] }, "soft limit must be less than or equal to hard limit"],
    [{ deviceCgroupRules: ["c 1:3"] }, "invalid device cgroup rule format: 'c 1:3'"],
    [{ ipcMode: "odd" }, "invalid IPC mode: odd"],
    [{ pidMode: "container:" }, "invalid PID mode: container:"],
    [{ cgroupnsMode: "odd" }, "invalid cgroup namespace mode: odd"],
    [{ usernsMode: "auto", networkMode: "host" }, "cannot share the host's namespace when user namespaces are enabled"],
  ])("%j", (host, message) => {
    expect(() => check(host)).toThrow(message);
  });
  it.each<[Partial<ContainerConfig>, string]>([
    [{ workingDir: "here" }, "the working directory 'here' is invalid, it needs to be an absolute path"],
    [{ stopSignal: "SIGODD" }, "invalid signal: SIGODD"],
    [{ env: ["=x"] }, "invalid environment variable: =x"],
    [{ hostname: "a b" }, "invalid hostname format: a b"],
    [
      { healthcheck: { test: [], intervalNs: 5, timeoutNs: 0, startPeriodNs: 0, startIntervalNs: 0, retries: 0 } },
      "Interval in Healthcheck cannot be less than 1ms",
    ],
  ])("%j", (config, message) => {
    expect(() => check({}, config)).toThrow(message);
  });
  it("names every problem at once", () => {
    expect(() => check({ memory: 1, oomScoreAdj: 5000 }, { workingDir: "x" })).toThrow(
      /working directory[^]*oom score[^]*6MB/,
    );
  });
});

describe("what this host cannot do", () => {
  it.each<[Partial<HostConfig>, string, Partial<HostConfig>, string]>([
    [{ memory: GiB }, "memory", { memory: 0 }, "memory limit capabilities"],
    [{ memory: GiB, memorySwap: 2 * GiB }, "swap", { memorySwap: -1, memory: GiB }, "Memory limited without swap"],
    [{ pidsLimit: 5 }, "pids", { pidsLimit: null }, "PIDs limit discarded"],
    [{ cpuShares: 5 }, "cpuShares", { cpuShares: 0 }, "Shares discarded"],
    [{ cpusetCpus: "0" }, "cpuset", { cpusetCpus: "" }, "CPUset discarded"],
    [{ blkioWeight: 500 }, "blkioWeight", { blkioWeight: 0 }, "Weight discarded"],
    [
      { blkioDeviceReadBps: [{ path: "/dev/x", rate: 1 }] },
      "blkioThrottle",
      { blkioDeviceReadBps: [] },
      "Block I/O BPS read limit discarded",
    ],
    [{ oomKillDisable: true, memory: GiB }, "oomKillDisable", { oomKillDisable: false }, "OomKillDisable discarded"],
  ])("%j without %s is a warning and a zero", (host, without, stored, warning) => {
    const result = check(host, {}, [without]);
    expect(result.host).toMatchObject(stored);
    expect(result.warnings.join()).toContain(warning);
  });
  it("says which powers the daemon lacks itself", () => {
    const view = {
      ...hostView,
      capabilities: hostView.capabilities.filter((name) => name !== "CAP_SYS_RESOURCE"),
      oomScoreAdj: 0,
    };
    const { warnings } = check(
      { capAdd: ["SYS_RESOURCE"], ulimits: [{ name: "nofile", soft: 1, hard: 9999 }], oomScoreAdj: -500 },
      {},
      [],
      view,
    );
    expect(warnings.join("\n")).toMatch(/CAP_SYS_RESOURCE[^]*Ulimit nofile[^]*OomScoreAdj -500/);
  });
});

describe("update", () => {
  const update = (host: Partial<HostConfig>, changes: Partial<HostConfig>) =>
    validateUpdate({ host: { ...hostDefaults, ...host }, changes, view: hostView, capabilities: hostCapabilities });
  it("changes what is not zero", () => {
    expect(update({ memory: GiB, cpuShares: 5 }, { memory: 0, cpuShares: 10, pidsLimit: -1 }).host).toMatchObject({
      memory: GiB,
      cpuShares: 10,
      pidsLimit: null,
    });
    expect(update({ pidsLimit: 5 }, { pidsLimit: null }).host.pidsLimit).toBe(5);
  });
  it("keeps memory below memory and swap", () => {
    expect(() => update({ memory: GiB, memorySwap: GiB }, { memory: 2 * GiB })).toThrow(
      "update the memoryswap at the same time",
    );
    expect(update({ memory: GiB, memorySwap: GiB }, { memory: 2 * GiB, memorySwap: 2 * GiB }).host.memory).toBe(
      2 * GiB,
    );
  });
  it("does not mix two ways to say cpu", () => {
    expect(() => update({ cpuQuota: 5000 }, { nanoCpus: 1e9 })).toThrow("Conflicting options");
    expect(() => update({ nanoCpus: 1e9 }, { cpuQuota: 5000 })).toThrow(
      "Conflicting options: CPU Quota cannot be updated",
    );
  });
});
