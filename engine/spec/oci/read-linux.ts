/** `linux` of an OCI runtime configuration → the parts of RunSpec. Pure. */
import type {
  DeviceNode,
  DeviceRate,
  DeviceRule,
  IdMapping,
  NamespaceRequest,
  Resources,
  RunSpec,
} from "../run-spec.ts";
import { flag, type Json, list, map, object, oneOf, refuse, required, text, texts, whole } from "./fields.ts";

const NAMESPACES = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"] as const;
export const namespaces = (value: unknown): readonly NamespaceRequest[] =>
  list(value, "linux.namespaces", (item, at) => {
    const fields = required(object(item, at), at);
    return { type: oneOf(fields["type"], `${at}.type`, NAMESPACES), path: text(fields["path"], `${at}.path`) || null };
  });

export const idMappings = (value: unknown, at: string): readonly IdMapping[] =>
  list(value, at, (item, where) => {
    const fields = required(object(item, where), where);
    const number = (name: string): number => required(whole(fields[name], `${where}.${name}`), `${where}.${name}`);
    return { containerId: number("containerID"), hostId: number("hostID"), size: number("size") };
  });

const DEVICE_TYPES = ["c", "b", "u", "p"] as const;
export const devices = (value: unknown): readonly DeviceNode[] =>
  list(value, "linux.devices", (item, at) => {
    const fields = required(object(item, at), at);
    const type = oneOf(fields["type"], `${at}.type`, DEVICE_TYPES);
    return {
      path: required(text(fields["path"], `${at}.path`), `${at}.path`),
      type: type === "u" ? "c" : type,
      major: whole(fields["major"], `${at}.major`) ?? 0,
      minor: whole(fields["minor"], `${at}.minor`) ?? 0,
      fileMode: (whole(fields["fileMode"], `${at}.fileMode`) ?? 0o666) & 0o7777,
      uid: whole(fields["uid"], `${at}.uid`) ?? 0,
      gid: whole(fields["gid"], `${at}.gid`) ?? 0,
    };
  });

const anyNumber = (value: unknown, at: string): number | null => {
  const number = whole(value, at);
  return number === -1 ? null : number;
};
const deviceRules = (value: unknown): readonly DeviceRule[] =>
  list(value, "linux.resources.devices", (item, at) => {
    const fields = required(object(item, at), at);
    return {
      allow: flag(fields["allow"], `${at}.allow`),
      type:
        fields["type"] === undefined || fields["type"] === ""
          ? "a"
          : oneOf(fields["type"], `${at}.type`, ["a", "b", "c"] as const),
      major: anyNumber(fields["major"], `${at}.major`),
      minor: anyNumber(fields["minor"], `${at}.minor`),
      access: text(fields["access"], `${at}.access`) || "rwm",
    };
  });

const rates = (value: unknown, at: string): readonly DeviceRate[] =>
  list(value, at, (item, where) => {
    const fields = required(object(item, where), where);
    const number = (name: string): number => required(whole(fields[name], `${where}.${name}`), `${where}.${name}`);
    return { major: number("major"), minor: number("minor"), rate: number("rate") };
  });

function blockIO(value: unknown): Resources["blockIO"] {
  const at = "linux.resources.blockIO";
  const fields = object(value, at) ?? {};
  refuse(fields, at, ["leafWeight"]);
  return {
    weight: whole(fields["weight"], `${at}.weight`),
    weightDevice: list(fields["weightDevice"], `${at}.weightDevice`, (item, where) => {
      const device = required(object(item, where), where);
      const number = (name: string): number => required(whole(device[name], `${where}.${name}`), `${where}.${name}`);
      return { major: number("major"), minor: number("minor"), weight: number("weight") };
    }),
    throttleReadBps: rates(fields["throttleReadBpsDevice"], `${at}.throttleReadBpsDevice`),
    throttleWriteBps: rates(fields["throttleWriteBpsDevice"], `${at}.throttleWriteBpsDevice`),
    throttleReadIops: rates(fields["throttleReadIOPSDevice"], `${at}.throttleReadIOPSDevice`),
    throttleWriteIops: rates(fields["throttleWriteIOPSDevice"], `${at}.throttleWriteIOPSDevice`),
  };
}

function memory(value: unknown): Resources["memory"] {
  const at = "linux.resources.memory";
  const fields = object(value, at) ?? {};
  return {
    limit: whole(fields["limit"], `${at}.limit`),
    reservation: whole(fields["reservation"], `${at}.reservation`),
    swap: whole(fields["swap"], `${at}.swap`),
    swappiness: whole(fields["swappiness"], `${at}.swappiness`),
    disableOomKiller: flag(fields["disableOOMKiller"], `${at}.disableOOMKiller`),
  };
}

function cpu(value: unknown): Resources["cpu"] {
  const at = "linux.resources.cpu";
  const fields = object(value, at) ?? {};
  refuse(fields, at, ["burst", "idle"]);
  const number = (name: string): number | null => whole(fields[name], `${at}.${name}`);
  return {
    shares: number("shares"),
    quota: number("quota"),
    period: number("period"),
    realtimeRuntime: number("realtimeRuntime"),
    realtimePeriod: number("realtimePeriod"),
    cpus: text(fields["cpus"], `${at}.cpus`) ?? "",
    mems: text(fields["mems"], `${at}.mems`) ?? "",
  };
}

export function resources(value: unknown): Resources {
  const at = "linux.resources";
  const fields = object(value, at) ?? {};
  refuse(fields, at, ["network", "rdma"]);
  const pids = object(fields["pids"], `${at}.pids`) ?? {};
  return {
    devices: deviceRules(fields["devices"]),
    memory: memory(fields["memory"]),
    cpu: cpu(fields["cpu"]),
    pids: { limit: whole(pids["limit"], `${at}.pids.limit`) },
    blockIO: blockIO(fields["blockIO"]),
    hugepages: list(fields["hugepageLimits"], `${at}.hugepageLimits`, (item, where) => {
      const entry = required(object(item, where), where);
      return {
        pageSize: required(text(entry["pageSize"], `${where}.pageSize`), `${where}.pageSize`),
        limit: required(whole(entry["limit"], `${where}.limit`), `${where}.limit`),
      };
    }),
    unified: map(fields["unified"], `${at}.unified`),
  };
}

export function timeOffsets(value: unknown): RunSpec["timeOffsets"] {
  const clocks = object(value, "linux.timeOffsets") ?? {};
  return Object.fromEntries(
    Object.entries(clocks).map(([clock, item]) => {
      const at = `linux.timeOffsets.${clock}`;
      oneOf(clock, at, ["monotonic", "boottime"]);
      const fields: Json = object(item, at) ?? {};
      return [
        clock,
        { secs: whole(fields["secs"], `${at}.secs`) ?? 0, nanosecs: whole(fields["nanosecs"], `${at}.nanosecs`) ?? 0 },
      ];
    }),
  );
}

export const paths = (value: unknown, at: string): readonly string[] => texts(value, at);
