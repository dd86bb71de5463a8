/** --mount: one CSV record of key=value → the wire's Mount. Throws FlagValueError with docker's words. */
import type { Mount } from "../../schema/index.ts";
import { FlagValueError } from "../parse/flag.ts";
import { parseBytes } from "../parse/quantities.ts";
import { csvFields, cut } from "./csv.ts";

type Draft = { -readonly [K in keyof Mount]: Mount[K] };
type Volume = NonNullable<Mount["VolumeOptions"]>;

const SWITCHES = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive"]);

function readSwitch(key: string, value: string | null): boolean {
  if (value === null) return true;
  const known: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false };
  const read = known[value.toLowerCase()];
  if (read === undefined) throw new FlagValueError(`invalid value for ${key}: ${value}`);
  return read;
}

function recursive(mount: Draft, value: string): void {
  const { BindOptions } = mount;
  switch (value) {
    case "enabled":
      return;
    case "disabled":
      mount.BindOptions = { ...BindOptions, NonRecursive: true };
      return;
    case "writable":
      mount.BindOptions = { ...BindOptions, ReadOnlyNonRecursive: true };
      return;
    case "readonly":
      mount.BindOptions = { ...BindOptions, ReadOnlyForceRecursive: true };
      return;
    default:
      throw new FlagValueError(
        `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
  }
}

function addPair(map: Readonly<Record<string, string>> | undefined, text: string): Record<string, string> {
  const [key, value] = cut(text, "=");
  return { ...map, [key]: value ?? "" };
}

function octalMode(key: string, value: string): number {
  if (!/^[0-7]+$/.test(value)) throw new FlagValueError(`invalid value for ${key}: ${value}`);
  return Number.parseInt(value, 8);
}

function sizeOf(key: string, value: string): number {
  try {
    return parseBytes(value);
  } catch (error) {
    throw new FlagValueError(`invalid value for ${key}: ${value}`, { cause: error });
  }
}

function assign(mount: Draft, key: string, value: string, field: string): void {
  const volume = (options: Partial<Volume>) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, ...options } as Volume;
  };
  switch (key) {
    case "type":
      // An unknown type is the daemon's to refuse: it may be newer than this command.
      mount.Type = value.toLowerCase() as Mount["Type"];
      return;
    case "source":
    case "src":
      mount.Source = value;
      return;
    case "target":
    case "dst":
    case "destination":
      mount.Target = value;
      return;
    case "consistency":
      mount.Consistency = value.toLowerCase();
      return;
    case "bind-propagation":
      mount.BindOptions = { ...mount.BindOptions, Propagation: value.toLowerCase() };
      return;
    case "bind-recursive":
      return recursive(mount, value);
    case "volume-subpath":
      return volume({ Subpath: value });
    case "volume-label":
      return volume({ Labels: addPair(mount.VolumeOptions?.Labels, value) });
    case "volume-driver":
      return volume({ DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Name: value } });
    case "volume-opt": {
      const driver = mount.VolumeOptions?.DriverConfig;
      return volume({ DriverConfig: { ...driver, Options: addPair(driver?.Options, value) } });
    }
    case "image-subpath":
      mount.ImageOptions = { Subpath: value };
      return;
    case "tmpfs-size":
      mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: sizeOf(key, value) };
      return;
    case "tmpfs-mode":
      mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: octalMode(key, value) };
      return;
    default:
      throw new FlagValueError(`unexpected key '${key}' in '${field}'`);
  }
}

/** Off is the same as not said: nothing is sent for it, as docker does. */
function assignSwitch(mount: Draft, key: string, on: boolean): void {
  if (!on) return;
  if (key === "volume-nocopy") mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: on };
  else if (key === "bind-nonrecursive") mount.BindOptions = { ...mount.BindOptions, NonRecursive: on };
  else mount.ReadOnly = on;
}

const OWNERS = [
  ["VolumeOptions", "volume"],
  ["BindOptions", "bind"],
  ["TmpfsOptions", "tmpfs"],
  ["ImageOptions", "image"],
] as const;

function validate(mount: Draft): void {
  if (String(mount.Type) === "") throw new FlagValueError("type is required");
  if (mount.Target === "") throw new FlagValueError("target is required");
  for (const [field, owner] of OWNERS) {
    if (mount[field] !== undefined && mount.Type !== owner) {
      throw new FlagValueError(`cannot mix '${owner}-*' options with mount type '${mount.Type}'`);
    }
  }
  const bind = mount.BindOptions;
  if (bind?.ReadOnlyNonRecursive && !mount.ReadOnly) {
    throw new FlagValueError("option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
  }
  if (bind?.ReadOnlyForceRecursive && !mount.ReadOnly) {
    throw new FlagValueError("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
  }
}

/** Relative sources stay as they are written: `absoluteMount` makes them absolute, where the caller's folder is known. */
export function parseMount(text: string): Mount {
  const mount: Draft = { Type: "volume", Target: "" };
  for (const field of csvFields(text)) {
    const [rawKey, value] = cut(field, "=");
    const key = rawKey.toLowerCase();
    if (SWITCHES.has(key)) assignSwitch(mount, key, readSwitch(key, value));
    else if (value === null) throw new FlagValueError(`invalid field '${field}' must be a key=value pair`);
    else assign(mount, key, value, field);
  }
  validate(mount);
  return mount;
}

export const absoluteMount = (mount: Mount, absolute: (path: string) => string): Mount =>
  mount.Type === "bind" && mount.Source !== undefined && /^\.(\/|$)/.test(mount.Source)
    ? { ...mount, Source: absolute(mount.Source) }
    : mount;
