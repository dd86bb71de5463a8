/** Networks and endpoints. */
import { type Static, flag, int, list, map, maybe, nullable, object, text, textMap, texts, time } from "./common.ts";

export const EndpointIpamConfig = object({
  IPv4Address: maybe(text),
  IPv6Address: maybe(text),
  LinkLocalIPs: maybe(texts),
});
export const EndpointSettings = object({
  IPAMConfig: nullable(EndpointIpamConfig),
  Links: nullable(texts),
  Aliases: nullable(texts),
  MacAddress: text,
  DriverOpts: nullable(textMap),
  GwPriority: int,
  NetworkID: text,
  EndpointID: text,
  Gateway: text,
  IPAddress: text,
  IPPrefixLen: int,
  IPv6Gateway: text,
  GlobalIPv6Address: text,
  GlobalIPv6PrefixLen: int,
  DNSNames: nullable(texts),
});
export type EndpointSettings = Static<typeof EndpointSettings>;
export const NetworkingConfig = object({ EndpointsConfig: nullable(map(nullable(EndpointSettings))) });
export type NetworkingConfig = Static<typeof NetworkingConfig>;

const IpamPool = object({
  Subnet: maybe(text),
  IPRange: maybe(text),
  Gateway: maybe(text),
  AuxiliaryAddresses: maybe(textMap),
});
export const Ipam = object({ Driver: text, Options: nullable(textMap), Config: nullable(list(IpamPool)) });
export const NetworkContainer = object({
  Name: text,
  EndpointID: text,
  MacAddress: text,
  IPv4Address: text,
  IPv6Address: text,
});
export const Network = object({
  Name: text,
  Id: text,
  Created: time,
  Scope: text,
  Driver: text,
  EnableIPv4: flag,
  EnableIPv6: flag,
  IPAM: Ipam,
  Internal: flag,
  Attachable: flag,
  Ingress: flag,
  ConfigFrom: object({ Network: text }),
  ConfigOnly: flag,
  Containers: map(NetworkContainer),
  Options: nullable(textMap),
  Labels: nullable(textMap),
});
export type Network = Static<typeof Network>;
export const NetworkPruneReply = object({ NetworksDeleted: nullable(texts) });
