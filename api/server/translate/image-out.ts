/** Images → the wire. Pure. */
import type { Engine } from "../../../engine/index.ts";
import type { ApiVersion, ImageDeleteItem, ImageInspect, ImageSummary } from "../../schema/index.ts";
import { copy, emptyAsNull, setOf, some, someOf } from "./values.ts";

type Images = Engine["images"];
export type Image = ReturnType<Images["resolve"]>;
export type Summary = ReturnType<Images["list"]>[number];
type Removed = Awaited<ReturnType<Images["remove"]>>[number];

/** `containers`: -1 for unknown. */
export function wireImageSummary(
  image: Summary,
  containers: number,
  withShared: boolean,
  api: ApiVersion,
): ImageSummary {
  const none = api < 43;
  return {
    Containers: containers,
    Created: image.created,
    Id: image.id,
    Labels: Object.keys(image.labels).length === 0 ? null : { ...image.labels },
    ParentId: image.parentId,
    RepoDigests: none && image.repoDigests.length === 0 ? ["<none>@<none>"] : [...image.repoDigests],
    RepoTags: none && image.repoTags.length === 0 ? ["<none>:<none>"] : [...image.repoTags],
    SharedSize: withShared ? image.sharedSize : -1,
    Size: image.size,
    ...(api < 44 ? { VirtualSize: image.size } : {}),
  };
}

export function wireImage(image: Image, api: ApiVersion): ImageInspect {
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    Parent: image.parentId,
    Comment: config.comment || (config.history.at(-1)?.comment ?? ""),
    ...some("Created", config.created),
    DockerVersion: config.dockerVersion,
    Author: config.author,
    Config: wireImageConfig(config.run),
    Architecture: image.platform.architecture,
    ...some("Variant", image.platform.variant),
    Os: image.platform.os,
    Size: image.size,
    ...(api < 44 ? { VirtualSize: image.size } : {}),
    GraphDriver: { Name: "overlay2", Data: null },
    RootFS: { Type: "layers", Layers: [...image.diffIds] },
    Metadata: { LastTagTime: image.lastTagTime },
  };
}

function wireImageConfig(run: Image["config"]["run"]): ImageInspect["Config"] {
  const health = run.healthcheck;
  return {
    ...some("User", run.user),
    ...someOf("ExposedPorts", setOf(run.exposedPorts)),
    Env: emptyAsNull(run.env),
    Cmd: copy(run.cmd),
    ...some("Healthcheck", health === null ? null : wireHealth(health)),
    ...some("ArgsEscaped", run.argsEscaped),
    Volumes: run.volumes.length === 0 ? null : setOf(run.volumes),
    WorkingDir: run.workingDir,
    Entrypoint: copy(run.entrypoint),
    OnBuild: emptyAsNull(run.onBuild),
    Labels: Object.keys(run.labels).length === 0 ? null : { ...run.labels },
    ...some("StopSignal", run.stopSignal),
    ...some("Shell", copy(run.shell)),
  };
}

const wireHealth = (health: NonNullable<Image["config"]["run"]["healthcheck"]>) => ({
  ...some("Test", emptyAsNull(health.test)),
  ...some("Interval", health.interval),
  ...some("Timeout", health.timeout),
  ...some("StartPeriod", health.startPeriod),
  ...some("StartInterval", health.startInterval),
  ...some("Retries", health.retries),
});

export const wireRemoved = (record: Removed): ImageDeleteItem =>
  "untagged" in record ? { Untagged: record.untagged } : { Deleted: record.deleted };
