/** POST /containers/create: the wire's flat Config and NetworkingConfig → the domain's request. Pure. */
import {
  type ContainerConfig,
  type CreateRequest,
  type EndpointRequest,
  type HealthcheckConfig,
  invalid,
} from "../../../engine/index.ts";
import type { ApiVersion, BodyFor } from "../../schema/index.ts";
import { hostConfig } from "./host-config-in.ts";

type Body = NonNullable<BodyFor<"ContainerCreate">>;
type Endpoint = NonNullable<NonNullable<NonNullable<Body["NetworkingConfig"]>["EndpointsConfig"]>[string]>;

const NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function createRequest(body: Body, query: { name: string; platform: string }, api: ApiVersion): CreateRequest {
  const host = hostConfig(body.HostConfig ?? {}, api);
  return {
    name: containerName(query.name),
    platform: query.platform === "" || api < 41 ? null : query.platform,
    config: containerConfig(body),
    host,
    endpoints: endpoints(body, host.networkMode, api),
  };
}

/** null = draw one; without its slash. */
export function containerName(name: string): string | null {
  if (name === "") return null;
  if (!NAME.test(name)) {
    throw invalid(
      "container.bad_name",
      `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
      { details: { argument: name } },
    );
  }
  return name.replace(/^\//, "");
}

function containerConfig(body: Body): ContainerConfig {
  return {
    hostname: body.Hostname ?? "",
    domainname: body.Domainname ?? "",
    user: body.User ?? "",
    attachStdin: body.AttachStdin ?? false,
    attachStdout: body.AttachStdout ?? false,
    attachStderr: body.AttachStderr ?? false,
    exposedPorts: Object.keys(body.ExposedPorts ?? {}),
    tty: body.Tty ?? false,
    openStdin: body.OpenStdin ?? false,
    stdinOnce: body.StdinOnce ?? false,
    env: body.Env ?? [],
    cmd: body.Cmd ?? null,
    entrypoint: body.Entrypoint ?? null,
    image: body.Image ?? "",
    labels: labels(body),
    volumes: Object.keys(body.Volumes ?? {}),
    workingDir: body.WorkingDir ?? "",
    stopSignal: body.StopSignal ?? null,
    stopTimeoutSeconds: body.StopTimeout ?? null,
    healthcheck: body.Healthcheck === undefined ? null : healthcheck(body.Healthcheck),
    shell: body.Shell ?? null,
    onBuild: body.OnBuild ?? null,
    networkDisabled: body.NetworkDisabled ?? false,
  };
}

const labels = (body: Body): Record<string, string> =>
  Object.fromEntries(Object.entries(body.Labels ?? {}).map(([key, value]) => [key, value ?? ""]));

const healthcheck = (health: NonNullable<Body["Healthcheck"]>): HealthcheckConfig => ({
  test: health.Test ?? [],
  intervalNs: health.Interval ?? 0,
  timeoutNs: health.Timeout ?? 0,
  startPeriodNs: health.StartPeriod ?? 0,
  startIntervalNs: health.StartInterval ?? 0,
  retries: health.Retries ?? 0,
});

/** The default network's endpoint is stored under its name, and a container-wide MAC address belongs to the primary one. */
function endpoints(body: Body, networkMode: string, api: ApiVersion): Record<string, EndpointRequest> {
  const given = Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {});
  if (given.length > 1 && api < 44) {
    throw invalid(
      "container.too_many_endpoints",
      "container cannot be created with more than one network endpoint below API 1.44",
    );
  }
  const primary = networkMode === "" || networkMode === "default" ? "bridge" : networkMode;
  const named = given.map(
    ([name, endpoint]) => [name === "default" ? "bridge" : name, endpointRequest(endpoint ?? {})] as const,
  );
  const result: Record<string, EndpointRequest> = Object.fromEntries(named);
  const mac = body.MacAddress ?? "";
  if (mac === "") return result;
  const existing = result[primary] ?? endpointRequest({});
  return { ...result, [primary]: { ...existing, macAddress: existing.macAddress || mac } };
}

export const endpointRequest = (endpoint: Endpoint): EndpointRequest => ({
  aliases: endpoint.Aliases ?? null,
  links: endpoint.Links ?? null,
  macAddress: endpoint.MacAddress ?? "",
  driverOpts: Object.fromEntries(Object.entries(endpoint.DriverOpts ?? {}).map(([key, value]) => [key, value ?? ""])),
  ipv4Address: endpoint.IPAMConfig?.IPv4Address ?? "",
  ipv6Address: endpoint.IPAMConfig?.IPv6Address ?? "",
  linkLocalIps: endpoint.IPAMConfig?.LinkLocalIPs ?? [],
  gwPriority: endpoint.GwPriority ?? 0,
});
