/**
 * A detached overlay mount: fsopen … fsmount, never attached to any tree, so nothing can be left mounted and it vanishes
 * with its descriptor. Safe on any thread; one mount costs about 0.3 ms.
 *
 * fsconfig takes at most 255 bytes per value and mount(2) at most a page for all options, so layers are named through a
 * descriptor of their base directory.
 */
import { randomBytes } from "node:crypto";
import { closeSync, constants, mkdirSync, openSync, readdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import { errnoCode } from "../../engine/base/errors.ts";
import { sys } from "../../native/binding/index.ts";

export interface OverlaySource {
  /** `<data root>/snapshots` */
  readonly base: string;
  /** At least one, top first, relative to base. */
  readonly lowers: readonly string[];
  /** Both or none; without them the mount is read-only. */
  readonly upper?: string;
  readonly work?: string;
}

const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const { MOUNT_ATTR, MNT } = sys;
/** Nothing is executed, and no device opened, through these mounts; devices can be made all the same. */
const ATTRIBUTES = MOUNT_ATTR.nodev | MOUNT_ATTR.nosuid | MOUNT_ATTR.noexec;

/** False once the kernel refused `lowerdir+` (before 6.5). */
let takesLayersOneByOne = true;

/** A directory descriptor on the merged tree. The caller closes it. `legacy` forces the way of old kernels (tests). */
export function openDetached(source: OverlaySource, legacy = !takesLayersOneByOne): number {
  // Overlay wants two layers when there is no upper one; a single layer needs no merging.
  if (source.upper === undefined && source.lowers.length === 1) {
    return openSync(`${source.base}/${source.lowers[0]}`, OPEN_DIRECTORY);
  }
  const baseFd = openSync(source.base, OPEN_DIRECTORY);
  try {
    const mount = mountDetached(`/proc/self/fd/${baseFd}`, source, legacy);
    try {
      // The mount's handle is O_PATH; readdir and xattr calls need a real one.
      return sys.openat2(mount, ".", { flags: constants.O_RDONLY | constants.O_DIRECTORY });
    } finally {
      closeSync(mount);
    }
  } finally {
    closeSync(baseFd);
  }
}

function mountDetached(base: string, source: OverlaySource, legacy: boolean): number {
  if (legacy) return mountByPath(base, source);
  try {
    return mountByDescriptor(base, source);
  } catch (error) {
    if (errnoCode(error) !== "EINVAL" || !(error as Error).message.includes("lowerdir+")) throw error;
    takesLayersOneByOne = false;
    return mountByPath(base, source);
  }
}

function mountByDescriptor(base: string, { lowers, upper, work }: OverlaySource): number {
  const context = sys.fsopen("overlay");
  try {
    sys.fsconfigString(context, "source", "tare");
    for (const lower of lowers) sys.fsconfigString(context, "lowerdir+", `${base}/${lower}`);
    if (upper !== undefined && work !== undefined) {
      sys.fsconfigString(context, "upperdir", `${base}/${upper}`);
      sys.fsconfigString(context, "workdir", `${base}/${work}`);
    }
    sys.fsconfigCreate(context);
    return sys.fsmount(context, upper === undefined ? ATTRIBUTES | MOUNT_ATTR.rdonly : ATTRIBUTES);
  } finally {
    closeSync(context);
  }
}

const legacyPrefix = "mount-";
const temporaryOf = (base: string): string => `${dirname(base)}/tmp`;

/**
 * Kernels before 6.5 take all layers in one option string, which only mount(2) accepts beyond 255 bytes: the mount is
 * attached for a moment, cloned by handle, and detached again. A daemon killed in that moment leaves it to
 * `detachLeftovers`.
 */
function mountByPath(base: string, source: OverlaySource): number {
  const { lowers, upper, work } = source;
  const options = [`lowerdir=${lowers.map((lower) => `${base}/${lower}`).join(":")}`];
  if (upper !== undefined && work !== undefined) options.push(`upperdir=${base}/${upper}`, `workdir=${base}/${work}`);
  const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (upper === undefined ? MS_RDONLY : 0);
  const target = `${temporaryOf(source.base)}/${legacyPrefix}${randomBytes(8).toString("hex")}`;
  mkdirSync(target, { mode: 0o700 });
  try {
    sys.mount("tare", target, "overlay", flags, options.join(","));
    try {
      return sys.openTree(sys.AT.fdcwd, target, sys.OPEN_TREE.clone);
    } finally {
      sys.umount2(target, MNT.detach | MNT.nofollow);
    }
  } finally {
    rmdirSync(target);
  }
}
const [MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC] = [1, 2, 4, 8];

/** At start: mounts that a killed daemon left in the moment above. */
export function detachLeftovers(base: string): void {
  for (const name of readdirSync(temporaryOf(base)).filter((entry) => entry.startsWith(legacyPrefix))) {
    const target = `${temporaryOf(base)}/${name}`;
    try {
      sys.umount2(target, MNT.detach | MNT.nofollow);
    } catch (error) {
      if (errnoCode(error) !== "EINVAL") throw error;
    }
    rmdirSync(target);
  }
}
