/** -v, --tmpfs, --device and the block-device lists. */
import { StatusError } from "../errors.ts";
import { FlagValueError } from "../parse/flag.ts";
import { parseBytes } from "../parse/quantities.ts";
import { cut } from "./csv.ts";

const wrong = (message: string) => new StatusError(125, message);

export interface Volumes {
  readonly binds: readonly string[];
  readonly anonymous: Readonly<Record<string, Record<string, never>>>;
}

/** "-v SPEC": with a source it is a bind (or named volume), without one an anonymous volume. Relative sources start with ".". */
export function compileVolumes(specs: readonly string[], absolute: (path: string) => string): Volumes {
  const binds: string[] = [];
  const anonymous: Record<string, Record<string, never>> = {};
  for (const spec of specs) {
    if (spec === "") throw wrong("invalid empty volume spec");
    const [source, rest] = cut(spec, ":");
    if (spec.length <= 2 || rest === null) {
      anonymous[spec] = {};
      continue;
    }
    if (spec.split(":").some((part) => part === "")) throw wrong(`invalid spec: ${spec}: empty section between colons`);
    if (spec.split(":").length > 3) throw wrong(`invalid spec: ${spec}: too many colons`);
    binds.push(source.startsWith(".") ? `${absolute(source)}:${rest}` : spec);
  }
  return { binds, anonymous };
}

export function compileTmpfs(specs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(specs.map((spec) => cut(spec, ":")).map(([path, options]) => [path, options ?? ""]));
}

export interface Device {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}

const MODE = /^(?!.*(.).*\1)[rwm]{1,3}$/;
const CDI = /^[A-Za-z][\w.-]*\/[A-Za-z][\w.-]*=[A-Za-z0-9][\w.:-]*$/;
/** "vendor.com/class=name": a device known by its CDI name. */
export const isCdiName = (text: string): boolean => CDI.test(text);

/** "/dev/a[:/dev/b][:rwm]". */
export function parseDevice(text: string): Device {
  const parts = text.split(":");
  const [host = "", second, third] = parts;
  if (parts.length > 3 || host === "") throw wrong(`bad format for path: ${text}`);
  if (third !== undefined && !MODE.test(third)) throw wrong(`bad mode specified: ${third}`);
  const secondIsMode = third === undefined && second !== undefined && MODE.test(second);
  const inside = second === undefined || secondIsMode ? host : second;
  if (!inside.startsWith("/")) throw wrong(`${inside} is not an absolute path`);
  return { PathOnHost: host, PathInContainer: inside, CgroupPermissions: third ?? (secondIsMode ? second : "rwm") };
}

export function deviceRule(text: string): string {
  if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text))
    throw new FlagValueError(`invalid device cgroup format '${text}'`);
  return text;
}

function devicePath(text: string): readonly [string, string] {
  const [path, value] = cut(text, ":");
  if (value === null) throw new FlagValueError(`bad format: ${text}`);
  if (!path.startsWith("/dev/")) throw new FlagValueError(`bad format for device path: ${text}`);
  return [path, value];
}

export interface Throttle {
  readonly Path: string;
  readonly Rate: number;
}

export function throttleBytes(text: string): Throttle {
  const [path, value] = devicePath(text);
  try {
    return { Path: path, Rate: parseBytes(value) };
  } catch (error) {
    const form =
      "The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb";
    throw new FlagValueError(`invalid rate for device: ${text}. ${form}`, { cause: error });
  }
}

export function throttleOperations(text: string): Throttle {
  const [path, value] = devicePath(text);
  if (!/^\d{1,15}$/.test(value)) {
    throw new FlagValueError(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  }
  return { Path: path, Rate: Number(value) };
}

export function weightDevice(text: string): { readonly Path: string; readonly Weight: number } {
  const [path, value] = devicePath(text);
  const weight = /^\d{1,5}$/.test(value) ? Number(value) : -1;
  if (weight < 0 || (weight > 0 && (weight < 10 || weight > 1000))) {
    throw new FlagValueError(`invalid weight for device: ${text}`);
  }
  return { Path: path, Weight: weight };
}
