/** A container's snapshot → an item of GET /containers/json. Pure. */
import type { ContainerSnapshot, ContainerState } from "../../../engine/index.ts";
import type { ContainerSummary } from "../../schema/index.ts";
import { epochMs, humanDuration } from "../time.ts";
import { type Sizes, wireMountPoint } from "./container-out.ts";
import { endpointsOf, type NetworkIds } from "./network-out.ts";
import { someOf } from "./values.ts";

export interface SummaryContext {
  readonly nowMs: number;
  /** What the image column shows: the name while it still means this image, else the id. */
  readonly imageName: string;
  readonly sizes: Sizes | null;
  readonly networkIds: NetworkIds;
}

export function wireSummary(container: ContainerSnapshot, context: SummaryContext): ContainerSummary {
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: context.imageName,
    ImageID: container.imageId,
    Command: commandText(container),
    Created: Math.trunc(epochMs(container.createdAt) / 1000),
    Ports: isRunning(container.state) ? container.config.exposedPorts.map(exposedPort) : [],
    ...(context.sizes === null ? {} : { SizeRw: context.sizes.sizeRw, SizeRootFs: context.sizes.sizeRootFs }),
    Labels: { ...container.config.labels },
    State: container.state.status,
    Status: statusText(container.state, context.nowMs),
    HostConfig: {
      NetworkMode: container.host.networkMode,
      ...someOf("Annotations", { ...container.host.annotations }),
    },
    NetworkSettings: { Networks: endpointsOf(container, context.networkIds) },
    Mounts: container.mounts.map(wireMountPoint),
  };
}

const isRunning = (state: ContainerState): boolean => state.status === "running" || state.status === "paused";

function exposedPort(port: string): { PrivatePort: number; Type: string } {
  const [number = "0", type = "tcp"] = port.split("/");
  return { PrivatePort: Number.parseInt(number, 10) || 0, Type: type };
}

/** Path and arguments; an argument with a space is put in single quotes. */
export const commandText = ({ path, args }: Pick<ContainerSnapshot, "path" | "args">): string =>
  [path, ...args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg))].join(" ");

/** "Up 3 minutes", "Exited (0) 5 seconds ago", … */
export function statusText(state: ContainerState, nowMs: number): string {
  const since = (time: string): string => humanDuration(nowMs - epochMs(time));
  switch (state.status) {
    case "created":
      return "Created";
    case "running":
      return `Up ${since(state.startedAt)}`;
    case "paused":
      return `Up ${since(state.startedAt)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "exited":
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
  }
}
