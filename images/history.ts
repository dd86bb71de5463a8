/** `docker history`: the config's history, newest first, matched with layers by skipping empty entries. Pure. */
import type { HistoryRow, Image } from "./types.ts";

export function historyRows(image: Image): HistoryRow[] {
  let layer = 0;
  const rows = image.config.history.map((entry) => {
    const size = entry.emptyLayer ? 0 : (image.layers[layer++]?.contentSize ?? 0);
    const created = Date.parse(entry.created);
    return {
      id: "<missing>",
      created: Number.isNaN(created) || created < 0 ? 0 : Math.floor(created / 1000),
      createdBy: entry.createdBy,
      tags: [] as readonly string[],
      size,
      comment: entry.comment,
    };
  });
  // Layers that the history does not explain (some builders write none) are shown all the same.
  for (; layer < image.layers.length; layer++) {
    rows.push({
      id: "<missing>",
      created: image.created,
      createdBy: "",
      tags: [],
      size: image.layers[layer]?.contentSize ?? 0,
      comment: "",
    });
  }
  rows.reverse();
  const [newest] = rows;
  return newest === undefined ? [] : [{ ...newest, id: image.id, tags: image.repoTags }, ...rows.slice(1)];
}
