/** From mount plans to what a record keeps: volumes get directories, bind sources are looked up, inspect gets its rows. */
import { errnoCode, invalid, TareError } from "../base/errors.ts";
import { entryKind, exists } from "../base/fs.ts";
import type { Rollback } from "../base/rollback.ts";
import type { ContainerConfig, HostConfig } from "../spec/config.ts";
import { type MountPlan, toMount, type VolumePlan } from "../spec/mount-plan.ts";
import { planMounts } from "../spec/mounts.ts";
import type { Mount } from "../spec/run-spec.ts";
import type { ContainerRecord } from "../store/records.ts";
import type { MountPoint } from "../types.ts";
import { copyUp } from "../volume/copy-up.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";

export type MountDecision = MountPlan;

/** VolumesFrom "name[:ro|rw]": the mount points of another container, not its tmpfs. */
function inheritedFrom(context: Context, spec: string): MountPlan[] {
  const [, ref = spec, mode = ""] = /^(.*?)(?::(ro|rw|z|Z))?$/.exec(spec) ?? [];
  const other = volumesOwner(context, ref);
  const mountAt = new Map(other.record.mounts.map((mount) => [mount.destination, mount]));
  return other.record.mountPoints.flatMap((point) =>
    inheritedPlan(point, mountAt.get(point.destination), mode === "ro"),
  );
}

/** Not a 404: clients take that for a missing image and pull. */
function volumesOwner(context: Context, ref: string): Container {
  try {
    return context.catalog.find(ref);
  } catch (error) {
    if (!(error instanceof TareError) || error.kind !== "not_found") throw error;
    throw invalid("container.volumes_from", `invalid VolumesFrom: ${error.message}`, {
      cause: error,
      details: { argument: "VolumesFrom", container: ref },
    });
  }
}

function inheritedPlan(point: MountPoint, mount: Mount | undefined, readOnly: boolean): MountPlan[] {
  if (mount === undefined || point.type === "tmpfs") return [];
  const options = readOnly ? [...mount.options.filter((word) => word !== "rw"), "rro"] : mount.options;
  const common = {
    destination: point.destination,
    readWrite: point.readWrite && !readOnly,
    mode: point.mode,
    options,
    origin: "VolumesFrom",
    propagation: point.propagation,
  } as const;
  if (point.type === "bind") return [{ ...common, type: "bind", source: point.source, createSource: false }];
  return [
    {
      ...common,
      type: "volume",
      name: point.name,
      driver: "local",
      driverOptions: {},
      labels: {},
      noCopy: true,
      subpath: "",
    },
  ];
}

function checkBindSource(plan: MountPlan): void {
  if (plan.type !== "bind" || plan.createSource) return;
  if (exists(plan.source)) return;
  throw invalid(
    "mount.source_missing",
    `invalid mount config for type "bind": bind source path does not exist: ${plan.source}`,
    {
      details: { source: plan.source, destination: plan.destination },
    },
  );
}

function checkVolume(plan: VolumePlan): void {
  if (plan.driver !== "" && plan.driver !== "local") {
    throw invalid("volume.driver", `error looking up volume plugin ${plan.driver}: plugin "${plan.driver}" not found`, {
      details: { driver: plan.driver },
    });
  }
  if (Object.keys(plan.driverOptions).length > 0) {
    throw invalid("volume.options", `volume ${plan.name}: driver options are not available yet`, {
      details: { volume: plan.name },
    });
  }
}

/** Checks everything; makes nothing. */
export function decideMounts(context: Context, config: ContainerConfig, host: HostConfig): readonly MountDecision[] {
  const inherited = (host.volumesFrom ?? []).flatMap((spec) => inheritedFrom(context, spec));
  const plans = planMounts({ host, volumes: config.volumes, inherited });
  for (const plan of plans) {
    checkBindSource(plan);
    if (plan.type === "volume") checkVolume(plan);
  }
  return plans;
}

const pointOf = (plan: MountPlan, source: string, name: string): MountPoint => ({
  type: plan.type,
  name,
  source,
  destination: plan.destination,
  driver: plan.type === "volume" ? "local" : "",
  mode: plan.type === "volume" && plan.origin !== "Volumes" && name !== "" && plan.mode === "" ? "z" : plan.mode,
  readWrite: plan.readWrite,
  propagation: plan.type === "tmpfs" ? "" : plan.propagation || (plan.type === "bind" ? "rprivate" : ""),
});

/** A volume's subpath must exist and stay inside: each component is looked at without following links. */
function subpathOf(mountpoint: string, plan: VolumePlan): string {
  let path = mountpoint;
  for (const part of plan.subpath.split("/").filter((word) => word !== "" && word !== ".")) {
    path = `${path}/${part}`;
    const kind = entryKind(path);
    if (kind !== "other") {
      throw invalid(
        "mount.subpath",
        `cannot access path ${path}: ${kind === "missing" ? "no such file or directory" : "is a link"}`,
        {
          details: { volume: plan.name, subpath: plan.subpath },
        },
      );
    }
  }
  return path;
}

type Realized = Pick<ContainerRecord, "mountPoints" | "mounts" | "anonymousVolumes" | "createdSources">;

/** Makes volumes and fills empty ones from the image; undone by `undo`. */
export function realizeMounts(context: Context, id: string, plans: readonly MountDecision[], undo: Rollback): Realized {
  const mountPoints: MountPoint[] = [];
  const mounts: Mount[] = [];
  const anonymousVolumes: string[] = [];
  const createdSources: string[] = [];
  for (const plan of plans) {
    let source = plan.type === "bind" ? plan.source : "";
    let name = "";
    if (plan.type === "volume") {
      const { volume, created } = context.volumes.ensure({ name: plan.name, labels: plan.labels });
      if (created) undo.defer(`remove volume ${volume.name}`, () => context.volumes.remove(volume.name));
      if (plan.name === "") anonymousVolumes.push(volume.name);
      if (!plan.noCopy && plan.origin !== "VolumesFrom") fill(context, id, plan, volume.mountpoint);
      source = plan.subpath === "" ? volume.mountpoint : subpathOf(volume.mountpoint, plan);
      name = volume.name;
    }
    if (plan.type === "bind" && plan.createSource) createdSources.push(plan.source);
    mounts.push(toMount(plan, source));
    if (plan.origin !== "Tmpfs") mountPoints.push(pointOf(plan, source, name));
  }
  return { mountPoints, mounts, anonymousVolumes, createdSources };
}

function fill(context: Context, id: string, plan: VolumePlan, mountpoint: string): void {
  const root = context.snapshots.openRoot({ key: id });
  try {
    copyUp(root.fd, plan.destination, mountpoint);
  } catch (cause) {
    const why = errnoCode(cause) ?? String(cause);
    throw invalid(
      "volume.copy_up",
      `cannot copy the image's ${plan.destination} into volume ${plan.name || "(anonymous)"}: ${why}`,
      { cause },
    );
  } finally {
    root.close();
  }
}
