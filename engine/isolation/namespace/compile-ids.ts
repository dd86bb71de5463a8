/** Id maps as text. Pure. */
import type { IdMapping } from "../../spec/run-spec.ts";

/** Text of uid_map and gid_map. */
export const idMapText = (mappings: readonly IdMapping[]): string =>
  mappings.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`).join("");
