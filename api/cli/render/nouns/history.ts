/** A row of `history`. */
import type { Noun } from "../format.ts";
import { ellipsis, humanSize, rfc3339, since } from "../units.ts";
import { shortId } from "./container.ts";

export interface HistoryView {
  readonly item: {
    readonly Id: string;
    readonly Created: number;
    readonly CreatedBy: string;
    readonly Size: number;
    readonly Comment: string;
  };
  readonly truncate: boolean;
  readonly human: boolean;
  readonly nowMs: number;
}

export const HISTORY: Noun<HistoryView> = {
  typeName: "*image.historyContext",
  headers: {
    ID: "IMAGE",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    CreatedBy: "CREATED BY",
    Size: "SIZE",
    Comment: "COMMENT",
  },
  row: ({ item, truncate, human, nowMs }) => ({
    ID: () => (truncate && item.Id.startsWith("sha256:") ? shortId(item.Id) : item.Id),
    CreatedAt: () => (item.Created <= 0 ? "" : rfc3339(item.Created)),
    CreatedSince: () => {
      if (item.Created <= 0) return "N/A";
      return human ? since(item.Created, nowMs) : rfc3339(item.Created);
    },
    CreatedBy: () => {
      const text = item.CreatedBy.replaceAll("\t", " ");
      return truncate ? ellipsis(text, 45) : text;
    },
    Size: () => (human ? humanSize(item.Size, 3) : String(item.Size)),
    Comment: () => item.Comment,
  }),
};
