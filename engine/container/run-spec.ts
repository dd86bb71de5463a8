/** The RunSpec of a container as it stands: records, image's user, host devices, namespaces of the containers it joins. */
import { conflict, errnoCode, invalid } from "../base/errors.ts";
import { exists, makeDirectories } from "../base/fs.ts";
import { joinedContainer } from "../spec/modes.ts";
import { resolve } from "../spec/resolve.ts";
import type { RunSpec } from "../spec/run-spec.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { isRunning } from "./state.ts";

/** Host pid of the container that a "container:<id>" mode names; throws when it does not run. */
function joinedPid(context: Context, mode: string, what: string): number | null {
  const id = joinedContainer(mode);
  if (id === null) return null;
  const other = context.catalog.find(id);
  if (!isRunning(other.state)) {
    throw conflict("container.join_not_running", `cannot join ${what} of a non running container: ${id}`, {
      details: { container: id },
    });
  }
  return other.state.pid;
}

function joinedHostname(context: Context, mode: string): { hostname?: string } {
  const id = joinedContainer(mode);
  return id === null ? {} : { hostname: context.catalog.find(id).record.config.hostname };
}

/** Binds whose missing source is made, as Docker does for the short form. */
export function makeBindSources(container: Container): void {
  for (const source of container.record.createdSources) {
    if (exists(source)) continue;
    try {
      makeDirectories(source, 0o755);
    } catch (cause) {
      const why = errnoCode(cause) ?? String(cause);
      throw invalid(
        "mount.source_unmakable",
        `error while creating mount source path '${source}': mkdir ${source}: ${why}`,
        {
          cause,
          details: { source },
        },
      );
    }
  }
}

export function buildSpec(context: Context, container: Container): RunSpec {
  const { record, paths, id } = container;
  const { base, lowers, upper, work } = context.snapshots.get(id);
  const { host } = record;
  const joinsNetwork = joinedContainer(host.networkMode) !== null;
  const files = joinsNetwork ? context.catalog.find(joinedContainer(host.networkMode) as string).paths : paths;
  return resolve({
    id,
    config: record.config,
    host,
    root: { kind: "overlay", base, lowers, upper, work },
    user: context.users.resolve(container, record.config.user),
    paths: { hostname: files.hostname, hosts: files.hosts, resolvConf: files.resolvConf, shm: null },
    mounts: record.mounts,
    joined: {
      network: joinedPid(context, host.networkMode, "network"),
      ipc: joinedPid(context, host.ipcMode, "IPC"),
      pid: joinedPid(context, host.pidMode, "PID namespace"),
      ...joinedHostname(context, host.networkMode),
    },
    cgroupParent: context.config.cgroupParent,
    idRange: record.idRange,
    view: context.view,
    devices: context.observeDevices(host),
    capabilities: context.backend.capabilities,
  });
}

/** The spec of the run that is up; built anew after a recovery, when someone needs it. */
export function specOf(context: Context, container: Container): RunSpec {
  const known = container.run?.spec;
  if (known !== null && known !== undefined) return known;
  const spec = buildSpec(context, container);
  container.rememberSpec(spec);
  return spec;
}
