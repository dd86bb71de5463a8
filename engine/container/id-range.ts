/** A range of host ids for one container with its own user namespace (`UsernsMode: auto`): unique among containers. */
import { unavailable } from "../base/errors.ts";
import type { Catalog } from "./catalog.ts";

export const RANGE_SIZE = 65_536;
/** Above what login systems and other engines' subordinate ranges use. */
export const FIRST_ID = 1 << 28;
const LAST_ID = 0x7fff_0000;

/** The lowest free block. Throws `container.no_id_range` (unavailable). */
export function lowestFree(used: ReadonlySet<number>): number {
  for (let start = FIRST_ID; start + RANGE_SIZE <= LAST_ID; start += RANGE_SIZE) if (!used.has(start)) return start;
  throw unavailable(
    "container.no_id_range",
    "no free range of user ids is left for another container with UsernsMode auto",
  );
}

export function drawIdRange(catalog: Catalog): { readonly start: number; readonly size: number } {
  const used = new Set<number>();
  for (const { record } of catalog.all()) if (record.idRange !== null) used.add(record.idRange.start);
  return { start: lowestFree(used), size: RANGE_SIZE };
}
