/** A mount as data between request and RunSpec, and the checks every form of request shares (docker-api.md §11). Pure. */
import { posix } from "node:path";
import { invalid } from "../base/errors.ts";
import { mergeTmpfsOptions, TMPFS_BASE, tmpfsOptionProblem } from "./mount-options.ts";
import type { Mount } from "./run-spec.ts";

/** A mount the user (or the image's VOLUME) asked for, parsed and checked, before a volume has a directory. */
export type MountPlan = BindPlan | VolumePlan | TmpfsPlan;
interface Planned {
  /** Clean absolute path in the container. */
  readonly destination: string;
  readonly readWrite: boolean;
  /** What inspect shows as Mode ("ro", "z", …). */
  readonly mode: string;
  /** Words for RunSpec's Mount.options. */
  readonly options: readonly string[];
  /** Named in errors. */
  readonly origin: MountOrigin;
}
export type MountOrigin = "Binds" | "Mounts" | "Tmpfs" | "Volumes" | "VolumesFrom";
export interface BindPlan extends Planned {
  readonly type: "bind";
  readonly source: string;
  /** Make the missing source as a root-owned directory 0755 (Binds, CreateMountpoint); else a missing source is an error. */
  readonly createSource: boolean;
  readonly propagation: string;
}
export interface VolumePlan extends Planned {
  readonly type: "volume";
  /** "" = anonymous: the volume owner draws 64 hex digits. */
  readonly name: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCopy: boolean;
  readonly subpath: string;
  readonly propagation: string;
}
export interface TmpfsPlan extends Planned {
  readonly type: "tmpfs";
}

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
export const mountFault = (code: string, message: string, origin: MountOrigin, value: string): Error =>
  invalid(`mount.${code}`, message, { details: { argument: origin, value } });

/** Absolute, clean ("/../../etc" is "/etc": nothing can point above the root), not "/" itself. */
export function cleanDestination(path: string, origin: MountOrigin): string {
  if (path === "") throw mountFault("no_target", `invalid mount config: field Target must not be empty`, origin, path);
  if (!path.startsWith("/"))
    throw mountFault("relative", `invalid mount path: '${path}' mount path must be absolute`, origin, path);
  if (path.includes("\0")) throw mountFault("nul", "invalid mount path: it contains a NUL byte", origin, path);
  const clean = posix.resolve("/", path);
  if (clean === "/") throw mountFault("root", "invalid specification: destination can't be '/'", origin, path);
  return clean;
}

export function checkVolumeName(name: string, origin: MountOrigin): string {
  if (name !== "" && !VOLUME_NAME.test(name)) {
    throw mountFault(
      "volume_name",
      `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. ` +
        "If you intended to pass a host directory, use absolute path",
      origin,
      name,
    );
  }
  return name;
}

/** Read-only is recursive where the kernel can (5.12, our minimum). */
export const bindOptions = (
  readWrite: boolean,
  propagation: string,
  recursive = true,
  readOnlyRecursive = recursive,
): readonly string[] => [
  recursive ? "rbind" : "bind",
  propagation || "rprivate",
  ...(readWrite ? [] : [readOnlyRecursive ? "rro" : "ro"]),
];

export function volumePlan(
  origin: MountOrigin,
  fields: Pick<VolumePlan, "name" | "destination" | "readWrite" | "mode"> & Partial<VolumePlan>,
): VolumePlan {
  const propagation = fields.propagation ?? "";
  return {
    type: "volume",
    driver: "local",
    driverOptions: {},
    labels: {},
    noCopy: false,
    subpath: "",
    ...fields,
    name: checkVolumeName(fields.name, origin),
    origin,
    propagation,
    options: bindOptions(fields.readWrite, propagation),
  };
}

export function planTmpfs(destination: string, options: readonly string[], origin: MountOrigin): TmpfsPlan {
  for (const word of options) {
    if (tmpfsOptionProblem(word) !== null)
      throw mountFault("tmpfs_option", `invalid tmpfs option ${JSON.stringify(word)}`, origin, destination);
  }
  const merged = mergeTmpfsOptions(TMPFS_BASE, options);
  return {
    type: "tmpfs",
    destination: cleanDestination(destination, origin),
    readWrite: !merged.includes("ro"),
    mode: "",
    options: merged,
    origin,
  };
}

/** The RunSpec mount of a plan; `source` is the bind's source or the volume's data directory ("" for tmpfs). */
export function toMount(plan: MountPlan, source: string): Mount {
  if (plan.type === "tmpfs")
    return { type: "tmpfs", source: "tmpfs", destination: plan.destination, options: plan.options };
  return { type: "bind", source, destination: plan.destination, options: plan.options };
}

const depth = (path: string): number => path.split("/").length;
export const byDepth = (a: { readonly destination: string }, b: { readonly destination: string }): number =>
  depth(a.destination) - depth(b.destination);
