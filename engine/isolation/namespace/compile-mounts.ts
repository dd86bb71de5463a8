/**
 * The root and what is mounted in it → records. Pure.
 *
 * Order matters: devices are made right after /dev is mounted and before anything of the user's, so that a bind over
 * /dev/null lands on the node and not under it; masks come last, over whatever is there then.
 */
import { BIND, MOUNT_FLAG, type OpRecord } from "../../../native/protocol.ts";
import { unsupported } from "../../base/errors.ts";
import { DEFAULT_DEVICE_NODES, DEFAULT_SYMLINKS } from "../../spec/defaults.ts";
import type { DeviceNode, Mount, RunSpec } from "../../spec/run-spec.ts";
import type { Placement } from "../cgroup/cgroup.ts";
import { MOUNT_ATTR, S_IFBLK, S_IFCHR, S_IFIFO } from "./kernel.ts";
import { parseMountWords, PROPAGATION } from "./mount-words.ts";

const REC_PRIVATE = PROPAGATION["rprivate"] as number;

/** Our copies of the host's mounts become private (or slaves, when a bind must see later host mounts), never shared. */
export const rootPropagation = (spec: RunSpec): number => {
  if (spec.rootfsPropagation.endsWith("shared")) {
    throw unsupported(
      "mount.shared",
      "mount propagation shared is not supported: mounts made in a container do not reach the host",
      {
        details: { argument: "propagation" },
      },
    );
  }
  return PROPAGATION[spec.rootfsPropagation.endsWith("slave") ? "rslave" : "rprivate"] as number;
};

export function compileRoot(spec: RunSpec, mountPoint: string): readonly OpRecord[] {
  const root = spec.root;
  const idmapped = hasUserNamespace(spec);
  if (root.kind === "directory")
    return [{ op: "root_bind", mountPoint, source: root.path, idmapped: idmapped ? 1 : 0 }];
  if (idmapped) return [{ op: "root_prepared", mountPoint }];
  const data = `lowerdir=${root.lowers.join(":")},upperdir=${root.upper},workdir=${root.work}`;
  return [{ op: "root_overlay", mountPoint, base: root.base, data }];
}
export const hasUserNamespace = (spec: RunSpec): boolean => spec.namespaces.some(({ type }) => type === "user");

/** For stage outer: the overlay must be mounted with the host's power over its layers. */
export function compileIdmappedRoot(spec: RunSpec, mountPoint: string): readonly OpRecord[] {
  const root = spec.root;
  if (root.kind !== "overlay" || !hasUserNamespace(spec)) return [];
  return [
    {
      op: "root_overlay_idmapped",
      mountPoint,
      base: root.base,
      lowers: root.lowers,
      upper: root.upper,
      work: root.work,
      options: "",
    },
  ];
}

interface Context {
  readonly spec: RunSpec;
  readonly placement: Placement;
  /** What every mount already is, so that most need no call of their own. */
  readonly inherited: number;
}

function bindRecord(mount: Mount, context: Context): OpRecord {
  const words = parseMountWords(mount.options);
  const wanted = words.propagation === 0 ? REC_PRIVATE : words.propagation;
  return {
    op: "bind",
    source: mount.source,
    target: mount.destination,
    attributes: words.attributes,
    flags:
      BIND.createTarget |
      (words.recursive ? BIND.recursive : 0) |
      (words.recursiveAttributes ? BIND.recursiveAttributes : 0),
    propagation: wanted === context.inherited || (wanted | 0x4000) === context.inherited ? 0 : wanted,
    idmapped: words.idmapped ? 1 : 0,
  };
}

const STRICT = /^\/(proc|sys|dev)(\/|$)/;
function filesystemRecord(mount: Mount): OpRecord {
  const words = parseMountWords(mount.options);
  if (words.copyUp) {
    throw unsupported(
      "mount.tmpcopyup",
      `mount ${mount.destination}: option tmpcopyup is not supported: use a volume, which starts with the image's files`,
      { details: { argument: mount.destination } },
    );
  }
  return {
    op: "mount",
    fstype: mount.type,
    source: mount.source,
    target: mount.destination,
    options: words.data,
    attributes: words.attributes,
    flags: STRICT.test(mount.destination) ? MOUNT_FLAG.strictTarget : 0,
    propagation: words.propagation === REC_PRIVATE ? 0 : words.propagation,
  };
}

/**
 * v2: the filesystem itself; in a cgroup namespace its root is the container's own group. v1: a small tmpfs with the
 * container's own directories under the names programs look for, read-only as a whole afterwards.
 */
function cgroupRecords(mount: Mount, { placement }: Context): readonly OpRecord[] {
  if (placement.version === 2) return [filesystemRecord({ ...mount, type: "cgroup2" })];
  const words = parseMountWords(mount.options);
  const readOnly = (words.attributes & MOUNT_ATTR.rdonly) !== 0;
  const attributes = words.attributes & ~MOUNT_ATTR.rdonly;
  const at = mount.destination;
  return [
    {
      op: "mount",
      fstype: "tmpfs",
      source: "tmpfs",
      target: at,
      options: ["mode=755", "size=64k"],
      attributes,
      flags: MOUNT_FLAG.strictTarget,
      propagation: 0,
    },
    ...placement.mounts.map(
      ({ source, name }): OpRecord => ({
        op: "bind",
        source,
        target: `${at}/${name}`,
        attributes,
        flags: BIND.createTarget,
        propagation: 0,
        idmapped: 0,
      }),
    ),
    ...placement.mounts.flatMap(({ name, aliases }) =>
      aliases.map((alias): OpRecord => ({ op: "symlink", target: name, path: `${at}/${alias}` })),
    ),
    ...(readOnly ? [{ op: "readonly_path", path: at } as const] : []),
  ];
}

function mountRecords(mount: Mount, context: Context): readonly OpRecord[] {
  if (mount.type === "bind" || parseMountWords(mount.options).bind) return [bindRecord(mount, context)];
  if (mount.type === "cgroup") return cgroupRecords(mount, context);
  return [filesystemRecord(mount)];
}

const TYPE_BITS = { c: S_IFCHR, b: S_IFBLK, p: S_IFIFO } as const;
/** In a user namespace device nodes cannot be made: the host's are bound instead. */
function deviceRecord(node: DeviceNode, bound: boolean): OpRecord {
  if (bound) {
    return {
      op: "bind",
      source: node.path,
      target: node.path,
      attributes: 0,
      flags: BIND.createTarget,
      propagation: 0,
      idmapped: 0,
    };
  }
  const { path, major, minor, uid, gid } = node;
  return { op: "device", path, mode: TYPE_BITS[node.type] | node.fileMode, major, minor, uid, gid };
}

const DEFAULT_NODES: readonly DeviceNode[] = DEFAULT_DEVICE_NODES.map(([path, major, minor]) => ({
  path,
  type: "c",
  major,
  minor,
  fileMode: 0o666,
  uid: 0,
  gid: 0,
}));
/** Made by every container for itself: the host's must not appear there. */
const OWN_NODES: ReadonlySet<string> = new Set(["/dev/ptmx", "/dev/console", "/dev/tty"]);

function compileDevices(spec: RunSpec): readonly OpRecord[] {
  const asked = new Map(spec.devices.filter(({ path }) => !OWN_NODES.has(path)).map((node) => [node.path, node]));
  const nodes = [...DEFAULT_NODES.filter(({ path }) => !asked.has(path)), ...asked.values()];
  const bound = hasUserNamespace(spec);
  return [
    ...nodes.map((node) => deviceRecord(node, bound)),
    ...DEFAULT_SYMLINKS.map(([path, target]): OpRecord => ({ op: "symlink", target, path })),
  ];
}

export function compileMounts(spec: RunSpec, placement: Placement): readonly OpRecord[] {
  const context = { spec, placement, inherited: rootPropagation(spec) };
  const dev = spec.mounts.findIndex(({ destination }) => destination === "/dev");
  const devMount = spec.mounts[dev];
  // a /dev of the user's is the user's business
  const isBound = devMount !== undefined && (devMount.type === "bind" || parseMountWords(devMount.options).bind);
  const devices = isBound ? [] : compileDevices(spec);
  return [
    ...(dev < 0 ? devices : []),
    ...spec.mounts.flatMap((mount, index) => [...mountRecords(mount, context), ...(index === dev ? devices : [])]),
    ...(spec.process.terminal ? [{ op: "console", uid: spec.process.user.uid, mode: 0o620 } as const] : []),
    ...spec.maskedPaths.map((path): OpRecord => ({ op: "mask", path })),
    ...spec.readonlyPaths.map((path): OpRecord => ({ op: "readonly_path", path })),
  ];
}
