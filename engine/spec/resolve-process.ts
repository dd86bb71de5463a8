/** The process of a container and of an exec. Pure. */
import { posix } from "node:path";
import type { ContainerConfig, ExecRequest, HostConfig } from "./config.ts";
import { DEFAULT_PATH } from "./defaults.ts";
import type { HostView } from "./host-view.ts";
import type { CapabilitySets, ProcessSpec, RunSpec } from "./run-spec.ts";
import { toRlimit } from "./ulimits.ts";

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** As images' lookupUser gives them: primary group first. Numeric HostConfig.GroupAdd entries are added here. */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

const key = (entry: string): string => entry.split("=", 1)[0] as string;

/** Later entries replace earlier ones in place; an entry without "=" removes the variable. */
export function mergeEnvironment(base: readonly string[], overrides: readonly string[]): readonly string[] {
  const merged = new Map(base.map((entry) => [key(entry), entry]));
  for (const entry of overrides) {
    if (entry.includes("=")) merged.set(key(entry), entry);
    else merged.delete(entry);
  }
  return [...merged.values()];
}

/**
 * HOME comes from the passwd entry unless the user or the image sets it. A HOME that comes from passwd stands first, which
 * is how an exec as another user knows that it may replace it.
 */
const withHome = (env: readonly string[], home: string): readonly string[] =>
  env.some((entry) => entry.startsWith("HOME=")) ? env : [`HOME=${home}`, ...env];
const withoutDerivedHome = (env: readonly string[]): readonly string[] =>
  env[0]?.startsWith("HOME=") === true ? env.slice(1) : env;

/** Inheritable and ambient stay empty (CVE-2022-24769 and its kin); non-root programs lose the rest at exec, as with Docker. */
const capabilitySets = (names: readonly string[]): CapabilitySets => ({
  bounding: names,
  effective: names,
  permitted: names,
  inheritable: [],
  ambient: [],
});

function oomScore(host: HostConfig, view: HostView): number {
  const mayLower = view.capabilities.includes("CAP_SYS_RESOURCE");
  return mayLower ? host.oomScoreAdj : Math.max(host.oomScoreAdj, view.oomScoreAdj);
}

/** "" = none. An explicit choice counts only where the host has AppArmor at all. */
function apparmorProfile(chosen: string, host: HostConfig, view: HostView): string {
  if (view.apparmorProfile === "" || chosen === "unconfined") return "";
  return chosen || (host.privileged ? "" : view.apparmorProfile);
}

export interface ProcessInput {
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly args: readonly string[];
  readonly hostname: string;
  readonly user: ResolvedUser;
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly apparmor: string;
  readonly view: HostView;
}

export function resolveProcess(input: ProcessInput): ProcessSpec {
  const { config, host, view, user } = input;
  const base = [DEFAULT_PATH, `HOSTNAME=${input.hostname}`, ...(config.tty ? ["TERM=xterm"] : [])];
  const [height, width] = host.consoleSize;
  return {
    args: input.args,
    env: withHome(mergeEnvironment(base, config.env), user.home),
    cwd: posix.resolve("/", config.workingDir),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids, umask: 0o022 },
    terminal: config.tty,
    consoleSize: config.tty && height > 0 && width > 0 ? { height, width } : null,
    stdin: config.openStdin,
    stdinOnce: config.stdinOnce,
    capabilities: capabilitySets(input.capabilities),
    rlimits: host.ulimits.map((limit) => toRlimit(limit, view)),
    noNewPrivileges: input.noNewPrivileges,
    apparmorProfile: apparmorProfile(input.apparmor, host, view),
    oomScoreAdj: oomScore(host, view),
  };
}

/** The process of an exec in a container whose RunSpec is `spec`: its environment, directory and limits unless the request says otherwise. */
export function resolveExec(spec: RunSpec, request: ExecRequest, user: ResolvedUser, view: HostView): ProcessSpec {
  const own = withoutDerivedHome(spec.process.env);
  const terminal = request.tty && !own.some((entry) => entry.startsWith("TERM=")) ? ["TERM=xterm"] : [];
  const size = request.consoleSize;
  return {
    ...spec.process,
    args: request.cmd,
    env: withHome(mergeEnvironment([...own, ...terminal], request.env), user.home),
    cwd: request.workingDir === "" ? spec.process.cwd : posix.resolve("/", request.workingDir),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids, umask: spec.process.user.umask },
    terminal: request.tty,
    consoleSize:
      request.tty && size !== null && size[0] > 0 && size[1] > 0 ? { height: size[0], width: size[1] } : null,
    stdin: request.attachStdin,
    stdinOnce: request.attachStdin,
    capabilities: request.privileged ? capabilitySets(view.capabilities) : spec.process.capabilities,
  };
}
