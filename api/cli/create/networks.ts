/** --network in both forms, with the flags that belong to the first network. */
import type { EndpointSettings } from "../../schema/index.ts";
import { StatusError } from "../errors.ts";
import { FlagValueError } from "../parse/flag.ts";
import { csvFields, cut } from "./csv.ts";

export interface Attachment {
  readonly target: string;
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly ip: string;
  readonly ip6: string;
  readonly linkLocalIps: readonly string[];
  readonly macAddress: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly gatewayPriority: number;
}

const NONE: Attachment = {
  target: "",
  aliases: [],
  links: [],
  ip: "",
  ip6: "",
  linkLocalIps: [],
  macAddress: "",
  driverOptions: {},
  gatewayPriority: 0,
};

function driverOption(text: string): readonly [string, string] {
  const [key, value] = cut(text, "=");
  if (value === null || key === "") throw new FlagValueError("invalid key value pair format in driver options");
  return [key.trim(), value.trim()];
}

function field(before: Attachment, key: string, value: string): Attachment {
  switch (key) {
    case "name":
      return { ...before, target: value };
    case "alias":
      return { ...before, aliases: [...before.aliases, value] };
    case "ip":
      return { ...before, ip: value };
    case "ip6":
      return { ...before, ip6: value };
    case "mac-address":
      return { ...before, macAddress: checkMac(value) };
    case "link-local-ip":
      return { ...before, linkLocalIps: [...before.linkLocalIps, value] };
    case "driver-opt": {
      const [name, given] = driverOption(value);
      return { ...before, driverOptions: { ...before.driverOptions, [name]: given } };
    }
    case "gw-priority":
      if (!/^-?\d+$/.test(value)) throw new FlagValueError(`invalid gw-priority (${value})`);
      return { ...before, gatewayPriority: Number(value) };
    default:
      throw new FlagValueError(`invalid field key ${key}`);
  }
}

/** "name" or "name=x,alias=y,ip=...". */
export function parseNetwork(text: string): Attachment {
  if (!/\w+=\w+(,\w+=\w+)*/.test(text)) return { ...NONE, target: text };
  let attachment = NONE;
  for (const one of csvFields(text)) {
    const [key, value] = cut(one.toLowerCase(), "=");
    if (value === null || key === "") throw new FlagValueError(`invalid field ${one}`);
    attachment = field(attachment, key.trim(), value.trim());
  }
  if (attachment.target === "") throw new FlagValueError("network name/id is not specified");
  return attachment;
}

const MAC = /^([0-9a-fA-F]{2}([:-]))([0-9a-fA-F]{2}\2){4}[0-9a-fA-F]{2}$/;
function checkMac(text: string): string {
  if (!MAC.test(text)) throw new FlagValueError(`${text} is not a valid mac address`);
  return text;
}

const wrong = (message: string) => new StatusError(125, message);
const PREDEFINED = new Set(["", "default", "bridge", "host", "none"]);
const isUserDefined = (name: string): boolean => !PREDEFINED.has(name) && !name.startsWith("container:");

/** Flags without a network name: they belong to the first one. */
export interface FirstNetwork {
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly ip: string;
  readonly ip6: string;
  readonly linkLocalIps: readonly string[];
  readonly macAddress: string;
}

function conflict(flag: string, what: string, first: boolean, own: boolean): void {
  if (first && own) throw wrong(`conflicting options: cannot specify both --${flag} and per-network ${what}`);
}

function merge(own: Attachment, first: FirstNetwork): Attachment {
  conflict("network-alias", "alias", first.aliases.length > 0, own.aliases.length > 0);
  conflict("ip", "IPv4 address", first.ip !== "", own.ip !== "");
  conflict("ip6", "IPv6 address", first.ip6 !== "", own.ip6 !== "");
  conflict("mac-address", "MAC address", first.macAddress !== "", own.macAddress !== "");
  conflict("link-local-ip", "link-local IP addresses", first.linkLocalIps.length > 0, own.linkLocalIps.length > 0);
  if (first.macAddress !== "" && !MAC.test(first.macAddress))
    throw wrong(`${first.macAddress} is not a valid mac address`);
  return {
    ...own,
    aliases: [...own.aliases, ...first.aliases],
    links: isUserDefined(own.target) ? [...own.links, ...first.links] : own.links,
    ip: own.ip || first.ip,
    ip6: own.ip6 || first.ip6,
    macAddress: own.macAddress || first.macAddress,
    linkLocalIps: [...own.linkLocalIps, ...first.linkLocalIps],
  };
}

const orNull = <T>(values: readonly T[]): readonly T[] | null => (values.length === 0 ? null : values);

function endpoint(own: Attachment): EndpointSettings {
  if (own.target.trim() === "") throw wrong("no name set for network");
  if (!isUserDefined(own.target) && own.aliases.length > 0) {
    throw wrong("network-scoped aliases are only supported for user-defined networks");
  }
  const addressed = own.ip !== "" || own.ip6 !== "" || own.linkLocalIps.length > 0;
  const ipam = {
    ...(own.ip === "" ? {} : { IPv4Address: own.ip }),
    ...(own.ip6 === "" ? {} : { IPv6Address: own.ip6 }),
    ...(own.linkLocalIps.length === 0 ? {} : { LinkLocalIPs: own.linkLocalIps }),
  };
  return {
    IPAMConfig: addressed ? ipam : null,
    Links: orNull(own.links),
    Aliases: orNull(own.aliases),
    MacAddress: own.macAddress,
    DriverOpts: Object.keys(own.driverOptions).length === 0 ? null : own.driverOptions,
    GwPriority: own.gatewayPriority,
    NetworkID: "",
    EndpointID: "",
    Gateway: "",
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  } as EndpointSettings;
}

export interface Networks {
  readonly mode: string;
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
}

/** Throws StatusError 125. */
export function compileNetworks(given: readonly Attachment[], first: FirstNetwork): Networks {
  const all = given.length === 0 ? [{ ...NONE, target: "default" }] : given;
  if (all.length > 1 && !all.every(({ target }) => isUserDefined(target))) {
    throw wrong("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  }
  const endpoints: Record<string, EndpointSettings> = {};
  const seen = new Set<string>();
  all.forEach((own, index) => {
    if (seen.has(own.target)) throw wrong(`network ${JSON.stringify(own.target)} is specified multiple times`);
    seen.add(own.target);
    const settings = endpoint(index === 0 ? merge(own, first) : own);
    // These modes have no endpoint of their own.
    if (own.target !== "none" && !own.target.startsWith("container:")) endpoints[own.target] = settings;
  });
  return { mode: all[0]?.target ?? "default", endpoints };
}
