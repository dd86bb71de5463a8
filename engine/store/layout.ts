/** Where everything is below the two roots. All of it is 0700 or below a 0700 directory (security.md: CVE-2021-41091). */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { errnoCode, unavailable } from "../base/errors.ts";
import type { EngineConfig } from "../config.ts";

export interface Layout {
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly database: string;
  readonly lock: string;
  readonly containers: string;
  readonly volumes: string;
  /** Runtime directories of runs, one per run id: short, because a socket lies in each. */
  readonly runs: string;
}

export interface ContainerPaths {
  readonly dir: string;
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly log: string;
}

export function planLayout(config: Pick<EngineConfig, "dataRoot" | "execRoot">): Layout {
  const { dataRoot, execRoot } = config;
  return {
    dataRoot,
    execRoot,
    database: join(dataRoot, "tare.db"),
    lock: join(dataRoot, "lock"),
    containers: join(dataRoot, "containers"),
    volumes: join(dataRoot, "volumes"),
    runs: join(execRoot, "r"),
  };
}

export function containerPaths(layout: Layout, id: string): ContainerPaths {
  const dir = `${layout.containers}/${id}`;
  return {
    dir,
    hostname: `${dir}/hostname`,
    hosts: `${dir}/hosts`,
    resolvConf: `${dir}/resolv.conf`,
    log: `${dir}/${id}-json.log`,
  };
}

export const runtimeDir = (layout: Layout, runId: string): string => `${layout.runs}/${runId}`;
export const exitPath = (layout: Layout, id: string, runId: string): string =>
  `${layout.containers}/${id}/exit-${runId}`;

/** Throws `engine.root_unusable` (unavailable) that names the directory. */
export function makeLayout(layout: Layout): void {
  for (const [dir, key] of [
    [layout.dataRoot, "data-root"],
    [layout.execRoot, "exec-root"],
    [layout.containers, "data-root"],
    [layout.volumes, "data-root"],
    [layout.runs, "exec-root"],
  ] as const) {
    try {
      mkdirSync(dir, { recursive: true, mode: dir === layout.execRoot ? 0o711 : 0o700 });
      if (dir === layout.dataRoot) chmodSync(dir, 0o700);
    } catch (error) {
      throw unavailable("engine.root_unusable", `cannot use ${key} ${dir}: ${errnoCode(error) ?? String(error)}`, {
        cause: error,
        details: { key, path: dir },
      });
    }
  }
}
