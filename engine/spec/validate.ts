/**
 * The checks of a create or update request (docker-api.md §3). Everything that can be known before anything is made is
 * known here: all problems in one error, one per line; limits this host cannot enforce become warnings and zeros.
 */
import { TareError, invalid } from "../base/errors.ts";
import type { Capabilities } from "../isolation/backend.ts";
import { effectiveCapabilities, normalizeCapability } from "./capabilities.ts";
import type { ContainerConfig, HostConfig, ResourceConfig } from "./config.ts";
import { parseDeviceRule } from "./device-rules.ts";
import type { HostView } from "./host-view.ts";
import { withDefaults } from "./host-defaults.ts";
import { checkModes } from "./modes.ts";
import { type Problem, problem } from "./problem.ts";
import { checkResources } from "./resource-checks.ts";
import { parseSeccomp } from "./seccomp/profile.ts";
import { parseSecurityOptions } from "./security-options.ts";
import { signalNumber } from "./signals.ts";
import { sysctlProblem } from "./sysctls.ts";
import { exceedsHard, ulimitProblem } from "./ulimits.ts";

export interface ValidationInput {
  /** Merged with the image's configuration. */
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly view: HostView;
  readonly capabilities: Capabilities;
}
export interface Validated {
  /** With Docker's defaults written back and limits that this host cannot enforce set to zero. */
  readonly host: HostConfig;
  /** One sentence for each thing that will not be as asked. */
  readonly warnings: readonly string[];
}

/** One error for all problems; the first decides code and argument. */
function refuse(problems: readonly Problem[]): void {
  const first = problems[0];
  if (first === undefined) return;
  throw invalid(`container.${first.code}`, problems.map(({ message }) => message).join("\n"), {
    details: { argument: first.argument, problems: problems.length },
  });
}

function attempt(argument: string, check: () => unknown): readonly Problem[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof TareError) || error.kind !== "invalid") throw error;
    return [problem(error.code.replace(/^container\./, ""), argument, error.message)];
  }
}

const MILLISECOND = 1_000_000;
function checkHealth(config: ContainerConfig): readonly Problem[] {
  const health = config.healthcheck;
  if (health === null) return [];
  const durations = [
    ["Interval", health.intervalNs],
    ["Timeout", health.timeoutNs],
    ["StartPeriod", health.startPeriodNs],
    ["StartInterval", health.startIntervalNs],
  ] as const;
  const short = durations.filter(([, ns]) => ns !== 0 && ns < MILLISECOND);
  return [
    ...short.map(([name]) =>
      problem("invalid_healthcheck", `Healthcheck.${name}`, `${name} in Healthcheck cannot be less than 1ms`),
    ),
    ...(health.retries < 0
      ? [problem("invalid_healthcheck", "Healthcheck.Retries", "Retries in Healthcheck cannot be negative")]
      : []),
  ];
}

const HOSTNAME = /^[a-zA-Z0-9_]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$/;
function checkConfig(config: ContainerConfig): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (code: string, argument: string, message: string): number =>
    problems.push(problem(code, argument, message));
  if (config.hostname !== "" && (config.hostname.length > 63 || !HOSTNAME.test(config.hostname))) {
    add("invalid_hostname", "Hostname", `invalid hostname format: ${config.hostname}`);
  }
  if (config.workingDir !== "" && !config.workingDir.startsWith("/")) {
    add(
      "relative_workdir",
      "WorkingDir",
      `the working directory '${config.workingDir}' is invalid, it needs to be an absolute path`,
    );
  }
  if (config.stopSignal !== null && config.stopSignal !== "" && signalNumber(config.stopSignal) === null) {
    add("invalid_signal", "StopSignal", `invalid signal: ${config.stopSignal}`);
  }
  for (const entry of config.env) {
    if (entry === "" || entry.startsWith("=")) add("invalid_env", "Env", `invalid environment variable: ${entry}`);
    else if (entry.includes("\0"))
      add("invalid_env", "Env", `invalid environment variable: ${entry.split("=", 1)[0]} contains a NUL byte`);
  }
  const line = [...(config.entrypoint ?? []), ...(config.cmd ?? [])];
  if (line.some((word) => word.includes("\0")))
    add("invalid_command", "Cmd", "invalid command: an argument contains a NUL byte");
  return [...problems, ...checkHealth(config)];
}

function checkRestart(host: HostConfig): readonly Problem[] {
  const { name, maximumRetryCount } = host.restartPolicy;
  if (!["no", "always", "unless-stopped", "on-failure", ""].includes(name)) {
    return [
      problem(
        "invalid_restart_policy",
        "RestartPolicy",
        `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      ),
    ];
  }
  if (maximumRetryCount !== 0 && name !== "on-failure") {
    const hint = maximumRetryCount < 0 ? " and cannot be negative" : "";
    return [
      problem(
        "invalid_restart_policy",
        "RestartPolicy",
        `invalid restart policy: maximum retry count can only be used with 'on-failure'${hint}`,
      ),
    ];
  }
  if (maximumRetryCount < 0) {
    return [
      problem(
        "invalid_restart_policy",
        "RestartPolicy",
        "invalid restart policy: maximum retry count cannot be negative",
      ),
    ];
  }
  return host.autoRemove && name !== "no" && name !== ("" as string)
    ? [problem("autoremove_restart", "AutoRemove", "can't create 'AutoRemove' container with restart policy")]
    : [];
}

function checkSecurityOptions(host: HostConfig, view: HostView): void {
  const { seccomp } = parseSecurityOptions(host.securityOpt);
  if (!["", "unconfined", "builtin"].includes(seccomp)) parseSeccomp(seccomp, { bounding: [], view });
}

function checkHost(host: HostConfig, view: HostView): readonly Problem[] {
  const problems: Problem[] = [];
  if (host.oomScoreAdj < -1000 || host.oomScoreAdj > 1000) {
    problems.push(
      problem(
        "invalid_oom_score",
        "OomScoreAdj",
        `Invalid value ${host.oomScoreAdj}, range for oom score adj is [-1000, 1000]`,
      ),
    );
  }
  if (host.shmSize < 0) problems.push(problem("invalid_shm_size", "ShmSize", "SHM size can not be less than 0"));
  for (const [key, value] of Object.entries(host.sysctls)) {
    const found = sysctlProblem(key, value, host);
    if (found !== null) problems.push(problem("invalid_sysctl", "Sysctls", found));
  }
  for (const limit of host.ulimits) {
    const found = ulimitProblem(limit);
    if (found !== null) problems.push(problem("invalid_ulimit", "Ulimits", found));
  }
  for (const rule of host.deviceCgroupRules) {
    if (parseDeviceRule(rule) === null)
      problems.push(
        problem("invalid_device_rule", "DeviceCgroupRules", `invalid device cgroup rule format: '${rule}'`),
      );
  }
  for (const device of host.devices) {
    if (device.cgroupPermissions !== "" && !/^[rwm]{1,3}$/.test(device.cgroupPermissions)) {
      problems.push(problem("invalid_device", "Devices", `invalid device mode: ${device.cgroupPermissions}`));
    }
  }
  return [
    ...problems,
    ...(host.capAdd ?? []).flatMap((name) => attempt("CapAdd", () => normalizeCapability(name, "CapAdd"))),
    ...(host.capDrop ?? []).flatMap((name) => attempt("CapDrop", () => normalizeCapability(name, "CapDrop"))),
    ...attempt("SecurityOpt", () => checkSecurityOptions(host, view)),
    ...checkRestart(host),
  ];
}

/** A capability that was asked for and that the daemon itself does not have cannot be given. */
function capabilityWarnings(host: HostConfig, view: HostView): readonly string[] {
  if (host.privileged) return [];
  const given = new Set(effectiveCapabilities(host.capAdd, host.capDrop, false, view.capabilities));
  return (host.capAdd ?? [])
    .map((name) => normalizeCapability(name, "CapAdd"))
    .filter((name) => name !== "ALL" && !given.has(name))
    .map((name) => `The daemon does not have ${name} on this host. The container will not have it either.`);
}

/** Without CAP_SYS_RESOURCE nothing can go beyond what the daemon itself may: clamped by resolve, said here. */
function privilegeWarnings(host: HostConfig, view: HostView): readonly string[] {
  if (view.capabilities.includes("CAP_SYS_RESOURCE")) return [];
  const high = host.ulimits.filter(({ name, hard }) => exceedsHard(view, name, hard));
  return [
    ...high.map(
      ({ name }) =>
        `Ulimit ${name} is above the daemon's own hard limit ${view.hardLimits[name]} and the daemon may not raise it. The container gets the daemon's.`,
    ),
    ...(host.oomScoreAdj !== 0 && host.oomScoreAdj < view.oomScoreAdj
      ? [
          `OomScoreAdj ${host.oomScoreAdj} is below the daemon's own ${view.oomScoreAdj} and the daemon may not lower it. The container gets ${view.oomScoreAdj}.`,
        ]
      : []),
  ];
}

/** Checks a create request; throws `invalid` (or `unsupported`) with every problem found, one per line. Pure. */
export function validateCreate({ config, host: asked, view, capabilities }: ValidationInput): Validated {
  const host = withDefaults(asked, view, capabilities);
  const modes = checkModes(config, host, capabilities);
  const resources = checkResources(host, view, capabilities);
  refuse([...checkConfig(config), ...checkHost(host, view), ...modes.problems, ...resources.problems]);
  return {
    host: resources.host,
    warnings: [
      ...resources.warnings,
      ...modes.warnings,
      ...capabilityWarnings(host, view),
      ...privilegeWarnings(host, view),
    ],
  };
}

export interface UpdateInput {
  readonly host: HostConfig;
  /** Zero values mean unchanged, as on the wire. */
  readonly changes: Partial<ResourceConfig>;
  readonly view: HostView;
  readonly capabilities: Capabilities;
}

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== 0 && value !== "" && !(Array.isArray(value) && value.length === 0);

/** The HostConfig after `update`, checked. Pure. */
export function validateUpdate({ host, changes, view, capabilities }: UpdateInput): Validated {
  const given = Object.fromEntries(
    Object.entries(changes).filter(([, value]) => isSet(value)),
  ) as Partial<ResourceConfig>;
  const problems: Problem[] = [];
  if (isSet(given.nanoCpus) && !isSet(given.cpuQuota) && (host.cpuQuota !== 0 || host.cpuPeriod !== 0)) {
    problems.push(
      problem(
        "cpu_conflict",
        "NanoCpus",
        "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set",
      ),
    );
  }
  if ((isSet(given.cpuQuota) || isSet(given.cpuPeriod)) && host.nanoCpus !== 0) {
    const name = isSet(given.cpuQuota) ? "CPU Quota" : "CPU Period";
    problems.push(
      problem(
        "cpu_conflict",
        "CpuQuota",
        `Conflicting options: ${name} cannot be updated as NanoCPUs has already been set`,
      ),
    );
  }
  if (
    given.memory !== undefined &&
    given.memorySwap === undefined &&
    host.memorySwap > 0 &&
    given.memory > host.memorySwap
  ) {
    problems.push(
      problem(
        "memory_above_swap",
        "Memory",
        "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
      ),
    );
  }
  const updated = { ...host, ...given };
  const checked = checkResources(updated, view, capabilities);
  refuse([...problems, ...checked.problems]);
  const pidsLimit = changes.pidsLimit === 0 || changes.pidsLimit === -1 ? null : checked.host.pidsLimit;
  return { host: { ...checked.host, pidsLimit }, warnings: checked.warnings };
}
