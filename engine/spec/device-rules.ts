/** HostConfig.DeviceCgroupRules and Devices → device rules and nodes. Pure. */
import { invalid } from "../base/errors.ts";
import type { DeviceMapping } from "./config.ts";
import type { DeviceObservation, HostDevice } from "./host-view.ts";
import type { DeviceNode, DeviceRule } from "./run-spec.ts";

const RULE = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/;

/** "c 189:* rwm"; null when it is not a rule. */
export function parseDeviceRule(text: string): DeviceRule | null {
  const match = RULE.exec(text);
  if (match === null) return null;
  const number = (part: string | undefined): number | null =>
    part === "*" || part === undefined ? null : Number(part);
  return {
    allow: true,
    type: match[1] as "c" | "b" | "a",
    major: number(match[2]),
    minor: number(match[3]),
    access: match[4] as string,
  };
}

const node = (device: HostDevice, path: string): DeviceNode => ({
  path,
  type: device.type,
  major: device.major,
  minor: device.minor,
  fileMode: device.mode & 0o7777,
  uid: device.uid,
  gid: device.gid,
});

/** A mapping of a directory maps every node below it to the same place below pathInContainer. */
export function mapDevices(mappings: readonly DeviceMapping[], observed: DeviceObservation): readonly DeviceNode[] {
  return mappings.flatMap((mapping) => {
    const found = observed.byPath.get(mapping.pathOnHost);
    if (found === undefined) throw missing(mapping.pathOnHost);
    const target = mapping.pathInContainer || mapping.pathOnHost;
    return found.map((device) => {
      const below = device.path.startsWith(`${mapping.pathOnHost}/`)
        ? device.path.slice(mapping.pathOnHost.length)
        : "";
      return node(device, target + below);
    });
  });
}

export function mappingRules(mappings: readonly DeviceMapping[], observed: DeviceObservation): readonly DeviceRule[] {
  return mappings.flatMap((mapping) =>
    (observed.byPath.get(mapping.pathOnHost) ?? []).map((device) => ({
      allow: true,
      type: device.type,
      major: device.major,
      minor: device.minor,
      access: mapping.cgroupPermissions || "rwm",
    })),
  );
}

export const allDevices = (observed: DeviceObservation): readonly DeviceNode[] =>
  observed.all.map((device) => node(device, device.path));

export const missing = (path: string): Error =>
  invalid(
    "container.device_missing",
    `error gathering device information while adding custom device ${JSON.stringify(path)}: no such file or directory`,
    {
      details: { argument: "Devices", path },
    },
  );
