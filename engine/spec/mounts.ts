/**
 * Binds, Mounts, Tmpfs and Config.Volumes → one list of mount plans (docker-api.md §11). Pure: whether a bind's source
 * exists, and which directory a volume has, is the caller's to find out.
 */
import { posix } from "node:path";
import { unsupported } from "../base/errors.ts";
import type { HostConfig } from "./config.ts";
import { isBindMode, parseBindMode } from "./mount-options.ts";
import {
  bindOptions,
  byDepth,
  cleanDestination,
  mountFault,
  type MountPlan,
  planTmpfs,
  volumePlan,
} from "./mount-plan.ts";
import { planLongMount } from "./mount-requests.ts";

export interface MountRequests {
  readonly host: Pick<HostConfig, "binds" | "mounts" | "tmpfs" | "volumeDriver">;
  /** Config.Volumes, merged with the image's. */
  readonly volumes: readonly string[];
  /** Mounts copied from other containers by VolumesFrom; own Binds and Mounts override them. */
  readonly inherited: readonly MountPlan[];
}

function splitBind(text: string): readonly [source: string, destination: string, mode: string] {
  const bad = (): Error => mountFault("specification", `invalid volume specification: '${text}'`, "Binds", text);
  const parts = text.split(":");
  if (parts.length > 3 || parts[0] === "" || (parts.length > 1 && parts[1] === "")) throw bad();
  const [first = "", second, third] = parts;
  if (second === undefined) return ["", first, ""];
  if (third !== undefined) return [first, second, third];
  // "dst:mode" is not a form: a target cannot be called "ro"
  if (isBindMode(second)) throw bad();
  return [first, second, ""];
}

/** "[source:]destination[:mode]": an absolute source is a path on the host, any other a volume's name. */
export function planBind(text: string, volumeDriver: string): MountPlan {
  const [source, target, mode] = splitBind(text);
  if (!isBindMode(mode)) throw mountFault("mode", `invalid mode: ${mode}`, "Binds", text);
  const destination = cleanDestination(target, "Binds");
  const { readWrite, noCopy, propagation } = parseBindMode(mode);
  const common = { destination, readWrite, mode, propagation, origin: "Binds" } as const;
  if (source.startsWith("/")) {
    return {
      ...common,
      type: "bind",
      source: posix.resolve("/", source),
      createSource: true,
      options: bindOptions(readWrite, propagation),
    };
  }
  if (source !== "" && propagation !== "") throw mountFault("mode", `invalid mode: ${mode}`, "Binds", text);
  return volumePlan("Binds", { ...common, name: source, driver: volumeDriver || "local", noCopy });
}

/** Parses and checks everything; sorted so that parents come first. Throws `invalid` naming the argument. Pure. */
export function planMounts({ host, volumes, inherited }: MountRequests): readonly MountPlan[] {
  const plans = new Map<string, MountPlan>(inherited.map((plan) => [plan.destination, plan]));
  const own = new Set<string>();
  const add = (plan: MountPlan): void => {
    if (own.has(plan.destination)) {
      throw mountFault("duplicate", `Duplicate mount point: ${plan.destination}`, plan.origin, plan.destination);
    }
    if (plan.type === "bind" && plan.propagation.endsWith("shared")) {
      throw unsupported(
        "mount.shared",
        `mount propagation ${plan.propagation} at ${plan.destination} is not supported: mounts made in a container do not reach the host`,
        {
          details: { argument: plan.origin, value: plan.destination },
        },
      );
    }
    own.add(plan.destination);
    plans.set(plan.destination, plan);
  };
  for (const bind of host.binds ?? []) add(planBind(bind, host.volumeDriver));
  for (const request of host.mounts) add(planLongMount(request));
  for (const [destination, options] of Object.entries(host.tmpfs)) {
    add(planTmpfs(destination, options === "" ? [] : options.split(","), "Tmpfs"));
  }
  for (const volume of volumes) {
    const destination = cleanDestination(volume, "Volumes");
    // a declared volume gives way to anything the user mounts there
    if (!plans.has(destination)) {
      plans.set(
        destination,
        volumePlan("Volumes", {
          name: "",
          destination,
          readWrite: true,
          mode: "",
          driver: host.volumeDriver || "local",
        }),
      );
    }
  }
  return [...plans.values()].sort(byDepth);
}
