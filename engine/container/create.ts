/**
 * Create: everything is decided first (no side effects), then name and id are taken in the database, then snapshot,
 * volumes and files are made, then the record is completed. What fails half-way is undone; what a kill leaves in phase
 * "creating" is undone at the next start of the daemon.
 */
import { randomInt } from "node:crypto";
import { hostPlatform, parsePlatform, renderPlatform } from "../../images/index.ts";
import { invalid, isKind, notFound } from "../base/errors.ts";
import { makeDirectory, removeTree, writeText } from "../base/fs.ts";
import { containerId } from "../base/ids.ts";
import { Rollback } from "../base/rollback.ts";
import { syncPoint } from "../base/sync-points.ts";
import { formatTimestamp } from "../base/time.ts";
import type { ContainerConfig, CreateRequest, HostConfig } from "../spec/config.ts";
import { commandLine, mergeConfig } from "../spec/image-config.ts";
import { parseSecurityOptions } from "../spec/security-options.ts";
import { validateCreate } from "../spec/validate.ts";
import { type ContainerPaths, containerPaths } from "../store/layout.ts";
import { type ContainerRecord, RECORD_VERSION } from "../store/records.ts";
import { Container, freshLive } from "./container.ts";
import type { Context, Image } from "./context.ts";
import { drawIdRange } from "./id-range.ts";
import type { ImageConfigs } from "./image-configs.ts";
import { checkLogConfig } from "./log-config.ts";
import { type MountDecision, decideMounts, realizeMounts } from "./mounts.ts";
import { checkName, drawName } from "./names.ts";
import { networkFiles } from "./network-files.ts";
import { fillHost } from "./fill-host.ts";
import { publish } from "./publish.ts";

interface Decision {
  readonly image: Image;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly mounts: readonly MountDecision[];
  readonly warnings: readonly string[];
}

function choosePlatform(image: Image, request: CreateRequest): readonly string[] {
  const has = renderPlatform(image.platform);
  if (request.platform !== null && request.platform !== "") {
    const wanted = parsePlatform(request.platform);
    if (wanted.os === image.platform.os && wanted.architecture === image.platform.architecture) return [];
    throw notFound(
      "image.platform_mismatch",
      `image with reference ${request.config.image} was found but its platform (${has}) does not match the specified platform (${request.platform})`,
      { details: { image: request.config.image, platform: request.platform } },
    );
  }
  const host = hostPlatform();
  return host.architecture === image.platform.architecture
    ? []
    : [
        `The requested image's platform (${has}) does not match the detected host platform (${renderPlatform(host)}) and no specific platform was requested`,
      ];
}

function checkEnv(env: readonly string[]): void {
  const bad = env.find((entry) => entry === "" || entry.startsWith("=") || entry.includes("\0"));
  if (bad !== undefined)
    throw invalid("container.bad_env", `invalid environment variable: ${bad}`, { details: { env: bad } });
}

const KNOWN_NETWORKS: ReadonlySet<string> = new Set(["bridge", "default", "host", "none", ""]);

/** Until networks can be made there are only the three that always exist. Not a 404: clients would pull the image. */
function requireNetwork({ networkMode }: HostConfig): void {
  if (KNOWN_NETWORKS.has(networkMode) || networkMode.startsWith("container:")) return;
  throw invalid("network.unknown", `network ${networkMode} not found`, {
    details: { argument: "NetworkMode", network: networkMode },
    hint: "This daemon cannot make networks yet: use none, host, bridge or container:NAME.",
  });
}

/** No side effects. */
function decide(context: Context, images: ImageConfigs, request: CreateRequest): Decision {
  if (request.config.image === "") throw invalid("container.no_image", "no image specified");
  const image = context.images.resolve(request.config.image);
  const platformWarnings = choosePlatform(image, request);
  checkEnv(request.config.env);
  const config = mergeConfig(request.config, images.of(image.id));
  const filled = fillHost(context, request.host);
  const { host, warnings } = validateCreate({
    config,
    host: filled,
    view: context.view,
    capabilities: context.backend.capabilities,
  });
  requireNetwork(host);
  const logWarnings = checkLogConfig(host.logConfig);
  // Thrown away here; made again with the hostname when the files are written.
  networkFiles(config, host, context.hostFiles());
  return {
    image,
    config,
    host,
    mounts: decideMounts(context, config, host),
    warnings: [...platformWarnings, ...warnings, ...logWarnings],
  };
}

const NAME_TRIES = 6;

/** Takes a name for this id: the wanted one or a drawn one. */
function reserve(context: Context, id: string, wanted: string | null, imageId: string): string {
  if (wanted !== null) {
    const name = checkName(wanted);
    context.records.reserve(id, name, imageId);
    return name;
  }
  for (let attempt = 0; attempt < NAME_TRIES; attempt++) {
    const name = drawName(randomInt);
    try {
      context.records.reserve(id, name, imageId);
      return name;
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
    }
  }
  const name = id.slice(0, 12);
  context.records.reserve(id, name, imageId);
  return name;
}

function withHostname(context: Context, id: string, config: ContainerConfig, host: HostConfig): ContainerConfig {
  if (config.hostname !== "") return config;
  if (host.networkMode === "host" || host.utsMode === "host") return { ...config, hostname: context.view.hostname };
  if (host.networkMode.startsWith("container:")) return config;
  return { ...config, hostname: id.slice(0, 12) };
}

function writeFiles(context: Context, paths: ContainerPaths, config: ContainerConfig, host: HostConfig): void {
  makeDirectory(paths.dir, 0o700);
  const files = networkFiles(config, host, context.hostFiles());
  writeText(paths.hostname, files.hostname, 0o644);
  writeText(paths.hosts, files.hosts, 0o644);
  writeText(paths.resolvConf, files.resolvConf, 0o644);
}

const endpointsOf = (request: CreateRequest): CreateRequest["endpoints"] => {
  const { default: fallback, ...rest } = request.endpoints;
  return fallback === undefined ? request.endpoints : { ...rest, bridge: fallback };
};

function apparmorProfile(context: Context, host: HostConfig): string {
  if (!context.backend.capabilities.apparmor || host.privileged) return host.privileged ? "unconfined" : "";
  return parseSecurityOptions(host.securityOpt).apparmor || "docker-default";
}

export interface Created {
  readonly id: string;
  readonly warnings: readonly string[];
}

export async function createContainer(
  context: Context,
  images: ImageConfigs,
  request: CreateRequest,
): Promise<Created> {
  if (request.name !== null) checkName(request.name);
  const { image, config: merged, host, mounts, warnings } = decide(context, images, request);
  const id = containerId();
  await using undo = new Rollback("container.create", (message, error) =>
    context.log.warn(message, { container: id, error }),
  );
  const name = reserve(context, id, request.name, image.id);
  undo.defer("free the name", () => context.records.remove(id));
  await syncPoint("create.reserved");
  await context.snapshots.prepare(id, image.chainId);
  undo.defer("remove the writable layer", () => context.snapshots.remove(id));
  await syncPoint("create.snapshot");
  const config = withHostname(context, id, merged, host);
  const paths = containerPaths(context.layout, id);
  undo.defer("remove its directory", () => removeTree(paths.dir));
  writeFiles(context, paths, config, host);
  const realized = realizeMounts(context, id, mounts, undo);
  const [path = "", ...args] = commandLine(config);
  const record: ContainerRecord = {
    version: RECORD_VERSION,
    id,
    name,
    createdAt: formatTimestamp(context.clock.now()),
    imageId: image.id,
    chainId: image.chainId,
    config,
    host,
    endpoints: endpointsOf(request),
    path,
    args,
    ...realized,
    apparmorProfile: apparmorProfile(context, host),
    idRange: host.usernsMode === "auto" ? drawIdRange(context.catalog) : null,
  };
  context.records.complete(record, freshLive);
  await syncPoint("create.recorded");
  const container = new Container(context, record, freshLive);
  context.catalog.add(container);
  undo.commit();
  publish(context, container, "create", {});
  return { id, warnings };
}
