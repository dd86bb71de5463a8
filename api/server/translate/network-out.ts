/**
 * Networks as Docker shows them. Until networks are managed there are the three predefined ones, and a container's
 * endpoint carries what was asked and no addresses. Pure.
 */
import type { ContainerSnapshot, EndpointRequest } from "../../../engine/index.ts";
import type { EndpointSettings, Network, NetworkSettings } from "../../schema/index.ts";
import { copy, some } from "./values.ts";

export interface PredefinedNetwork {
  readonly name: "bridge" | "host" | "none";
  readonly driver: string;
  readonly id: string;
}

/** Ids are drawn from the engine's own id, so that they stay the same over restarts. */
export function predefinedNetworks(engineId: string, digest: (text: string) => string): readonly PredefinedNetwork[] {
  const network = (name: PredefinedNetwork["name"], driver: string): PredefinedNetwork => ({
    name,
    driver,
    id: digest(`${engineId}/network/${name}`),
  });
  return [network("bridge", "bridge"), network("host", "host"), network("none", "null")];
}

export function wireNetwork(network: PredefinedNetwork, created: string): Network {
  return {
    Name: network.name,
    Id: network.id,
    Created: created,
    Scope: "local",
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: "default", Options: null, Config: network.name === "bridge" ? [] : null },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: {},
    Options: {},
    Labels: {},
  };
}

const NO_ENDPOINT: EndpointRequest = {
  aliases: null,
  links: null,
  macAddress: "",
  driverOpts: {},
  ipv4Address: "",
  ipv6Address: "",
  linkLocalIps: [],
  gwPriority: 0,
};

export function wireEndpoint(endpoint: EndpointRequest, networkId: string): EndpointSettings {
  const ipam = {
    ...some("IPv4Address", endpoint.ipv4Address),
    ...some("IPv6Address", endpoint.ipv6Address),
    ...some("LinkLocalIPs", endpoint.linkLocalIps.length === 0 ? null : [...endpoint.linkLocalIps]),
  };
  return {
    IPAMConfig: Object.keys(ipam).length === 0 ? null : ipam,
    Links: copy(endpoint.links),
    Aliases: copy(endpoint.aliases),
    MacAddress: endpoint.macAddress,
    DriverOpts: Object.keys(endpoint.driverOpts).length === 0 ? null : { ...endpoint.driverOpts },
    GwPriority: endpoint.gwPriority,
    NetworkID: networkId,
    EndpointID: "",
    Gateway: "",
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}

/** Network name → id. */
export type NetworkIds = ReadonlyMap<string, string>;

/** Endpoints by network name. A container that joins another's namespace has none. */
export function endpointsOf(container: ContainerSnapshot, ids: NetworkIds): Record<string, EndpointSettings> {
  const mode = container.host.networkMode || "bridge";
  if (mode.startsWith("container:")) return {};
  const given = Object.entries(container.endpoints);
  const named: readonly (readonly [string, EndpointRequest])[] = given.length > 0 ? given : [[mode, NO_ENDPOINT]];
  return Object.fromEntries(named.map(([name, endpoint]) => [name, wireEndpoint(endpoint, ids.get(name) ?? "")]));
}

export function networkSettings(container: ContainerSnapshot, ids: NetworkIds): NetworkSettings {
  const running = container.state.status === "running" || container.state.status === "paused";
  return {
    Bridge: "",
    SandboxID: "",
    SandboxKey: "",
    Ports: running ? Object.fromEntries(container.config.exposedPorts.map((port) => [port, null])) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: "",
    Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    MacAddress: "",
    Networks: endpointsOf(container, ids),
  };
}
