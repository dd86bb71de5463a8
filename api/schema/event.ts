/** One object per line of GET /events. `status`, `id` and `from` are the pre-1.22 fields that 1.51 still prints. */
import { type Static, int, maybe, object, text, textMap } from "./common.ts";

export const EventMessage = object({
  status: maybe(text),
  id: maybe(text),
  from: maybe(text),
  Type: text,
  Action: text,
  Actor: object({ ID: text, Attributes: textMap }),
  scope: text,
  time: int,
  timeNano: int,
});
export type EventMessage = Static<typeof EventMessage>;
