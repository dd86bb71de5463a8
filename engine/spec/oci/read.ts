/** An OCI runtime configuration → RunSpec. Throws `invalid` or `unsupported` naming the field; drops nothing silently. Pure. */
import { posix } from "node:path";
import { invalid } from "../../base/errors.ts";
import { CAPABILITIES } from "../capabilities.ts";
import type { CapabilitySets, Hook, HookPoint, Mount, ProcessSpec, Rlimit, RootSource, RunSpec } from "../run-spec.ts";
import { parseSeccomp, type SeccompFacts } from "../seccomp/profile.ts";
import { RLIM_INFINITY, rlimitNumber } from "../ulimits.ts";
import { flag, type Json, list, map, object, oneOf, refuse, required, text, texts, whole } from "./fields.ts";
import { devices, idMappings, namespaces, paths, resources, timeOffsets } from "./read-linux.ts";

export interface OciInput {
  readonly id: string;
  /** The bundle directory: root.path may be relative to it. */
  readonly bundle: string;
  /** Takes the place of root.path, for configurations that were written for a prepared overlay. */
  readonly root?: RootSource;
  /** OCI has no words for these. */
  readonly stdin?: boolean;
  readonly init?: boolean;
  /** When the configuration names none. */
  readonly cgroupParent: string;
  readonly view: SeccompFacts["view"];
}

const known = (names: readonly string[]): readonly string[] => names.filter((name) => CAPABILITIES.includes(name));
function capabilities(value: unknown): CapabilitySets {
  const fields = object(value, "process.capabilities") ?? {};
  const set = (name: string): readonly string[] => known(texts(fields[name], `process.capabilities.${name}`));
  return {
    bounding: set("bounding"),
    effective: set("effective"),
    permitted: set("permitted"),
    inheritable: set("inheritable"),
    ambient: set("ambient"),
  };
}

/** JSON cannot say 2^64-1 as a double: what is at least 2^63 is "unlimited". */
const limit = (value: unknown, at: string): number | bigint => {
  const number = required(whole(value, at), at);
  return number >= 2 ** 63 ? RLIM_INFINITY : number;
};
const rlimits = (value: unknown): readonly Rlimit[] =>
  list(value, "process.rlimits", (item, at) => {
    const fields = required(object(item, at), at);
    const type = required(text(fields["type"], `${at}.type`), `${at}.type`);
    if (rlimitNumber(type) === undefined)
      throw invalid("oci.invalid_config", `config.json: ${at}.type: unknown limit ${type}`);
    return { type, soft: limit(fields["soft"], `${at}.soft`), hard: limit(fields["hard"], `${at}.hard`) };
  });

function user(value: unknown): ProcessSpec["user"] {
  const fields = object(value, "process.user") ?? {};
  return {
    uid: whole(fields["uid"], "process.user.uid") ?? 0,
    gid: whole(fields["gid"], "process.user.gid") ?? 0,
    umask: whole(fields["umask"], "process.user.umask") ?? 0o022,
    additionalGids: list(fields["additionalGids"], "process.user.additionalGids", (item, at) =>
      required(whole(item, at), at),
    ),
  };
}

function consoleSize(value: unknown): ProcessSpec["consoleSize"] {
  const fields = object(value, "process.consoleSize");
  if (fields === null) return null;
  return {
    height: required(whole(fields["height"], "process.consoleSize.height"), "process.consoleSize.height"),
    width: required(whole(fields["width"], "process.consoleSize.width"), "process.consoleSize.width"),
  };
}

function process(value: unknown, stdin: boolean): ProcessSpec {
  const fields = required(object(value, "process"), "process");
  refuse(fields, "process", ["selinuxLabel", "ioPriority", "scheduler", "execCPUAffinity", "commandLine"]);
  const cwd = required(text(fields["cwd"], "process.cwd"), "process.cwd");
  if (!cwd.startsWith("/"))
    throw invalid("oci.invalid_config", `config.json: process.cwd: ${JSON.stringify(cwd)} is not absolute`);
  const args = texts(fields["args"], "process.args");
  if (args.length === 0) throw invalid("oci.invalid_config", "config.json: process.args: is required");
  const terminal = flag(fields["terminal"], "process.terminal");
  return {
    args,
    env: texts(fields["env"], "process.env"),
    cwd,
    user: user(fields["user"]),
    terminal,
    consoleSize: terminal ? consoleSize(fields["consoleSize"]) : null,
    stdin,
    stdinOnce: stdin,
    capabilities: capabilities(fields["capabilities"]),
    rlimits: rlimits(fields["rlimits"]),
    noNewPrivileges: flag(fields["noNewPrivileges"], "process.noNewPrivileges"),
    apparmorProfile: text(fields["apparmorProfile"], "process.apparmorProfile") ?? "",
    oomScoreAdj: whole(fields["oomScoreAdj"], "process.oomScoreAdj"),
  };
}

const isBind = (options: readonly string[]): boolean => options.includes("bind") || options.includes("rbind");
const mounts = (value: unknown, bundle: string): readonly Mount[] =>
  list(value, "mounts", (item, at) => {
    const fields = required(object(item, at), at);
    refuse(fields, at, ["uidMappings", "gidMappings"]);
    const destination = required(text(fields["destination"], `${at}.destination`), `${at}.destination`);
    const options = texts(fields["options"], `${at}.options`);
    const type = text(fields["type"], `${at}.type`) || (isBind(options) ? "bind" : "none");
    const source = text(fields["source"], `${at}.source`) ?? "";
    const bind = type === "bind" || isBind(options);
    // relative destinations are "/…" by the specification, relative bind sources belong to the bundle
    return {
      type,
      source: bind ? posix.resolve(bundle, source) : source,
      destination: posix.resolve("/", destination),
      options,
    };
  });

const HOOK_POINTS: readonly HookPoint[] = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
];
function hooks(value: unknown): RunSpec["hooks"] {
  const fields = object(value, "hooks") ?? {};
  const read = (item: unknown, at: string): Hook => {
    const hook = required(object(item, at), at);
    const path = required(text(hook["path"], `${at}.path`), `${at}.path`);
    if (!path.startsWith("/"))
      throw invalid("oci.invalid_config", `config.json: ${at}.path: ${JSON.stringify(path)} is not absolute`);
    return {
      path,
      args: texts(hook["args"], `${at}.args`),
      env: texts(hook["env"], `${at}.env`),
      timeoutSeconds: whole(hook["timeout"], `${at}.timeout`),
    };
  };
  const all = HOOK_POINTS.map((point) => [point, list(fields[point], `hooks.${point}`, read)] as const);
  return Object.fromEntries(all.filter(([, list]) => list.length > 0));
}

const PROPAGATIONS = [
  "",
  "private",
  "slave",
  "shared",
  "unbindable",
  "rprivate",
  "rslave",
  "rshared",
  "runbindable",
] as const;
/** "" is what runtimes do by default: later host mounts are seen, nothing goes back. */
function propagation(value: unknown): string {
  const word = oneOf(value ?? "", "linux.rootfsPropagation", PROPAGATIONS);
  return word === "" ? "rslave" : word.startsWith("r") ? word : `r${word}`;
}

function root(config: Json, input: OciInput): { readonly source: RootSource; readonly readonly: boolean } {
  const fields = required(object(config["root"], "root"), "root");
  const path = required(text(fields["path"], "root.path"), "root.path");
  const source: RootSource = input.root ?? { kind: "directory", path: posix.resolve(input.bundle, path) };
  return { source, readonly: flag(fields["readonly"], "root.readonly") };
}

export function fromOci(value: unknown, input: OciInput): RunSpec {
  const config = required(object(value, "config"), "config");
  const version = required(text(config["ociVersion"], "ociVersion"), "ociVersion");
  if (!/^1\.\d+\.\d+/.test(version))
    throw invalid("oci.invalid_config", `config.json: ociVersion: ${version} is not a version 1`);
  refuse(config, "", ["windows", "solaris", "vm", "zos", "freebsd"]);
  const linux = object(config["linux"], "linux") ?? {};
  refuse(linux, "linux", ["mountLabel", "intelRdt", "memoryPolicy", "personality", "netDevices"]);
  const { source, readonly } = root(config, input);
  const spec = process(config["process"], input.stdin ?? false);
  const seccomp = object(linux["seccomp"], "linux.seccomp");
  return {
    id: input.id,
    hostname: text(config["hostname"], "hostname") ?? "",
    domainname: text(config["domainname"], "domainname") ?? "",
    root: source,
    readonlyRootfs: readonly,
    rootfsPropagation: propagation(linux["rootfsPropagation"]),
    process: spec,
    init: input.init ?? false,
    mounts: mounts(config["mounts"], input.bundle),
    namespaces: namespaces(linux["namespaces"]),
    uidMappings: idMappings(linux["uidMappings"], "linux.uidMappings"),
    gidMappings: idMappings(linux["gidMappings"], "linux.gidMappings"),
    timeOffsets: timeOffsets(linux["timeOffsets"]),
    devices: devices(linux["devices"]),
    resources: resources(linux["resources"]),
    cgroupsPath: posix.resolve(
      "/",
      text(linux["cgroupsPath"], "linux.cgroupsPath") || `${input.cgroupParent}/${input.id}`,
    ),
    seccomp:
      seccomp === null
        ? null
        : parseSeccomp(JSON.stringify(seccomp), { bounding: spec.capabilities.bounding, view: input.view }),
    sysctl: map(linux["sysctl"], "linux.sysctl"),
    maskedPaths: paths(linux["maskedPaths"], "linux.maskedPaths"),
    readonlyPaths: paths(linux["readonlyPaths"], "linux.readonlyPaths"),
    hooks: hooks(config["hooks"]),
    annotations: map(config["annotations"], "annotations"),
  };
}
