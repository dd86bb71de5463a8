/** GET /events: the ring, then what comes, until the client or `until` ends it. */
import { Readable } from "node:stream";
import { type EngineEvent, invalid } from "../../../engine/index.ts";
import { type Handlers, stream } from "../answer.ts";
import type { Context } from "../context.ts";
import { jsonLine } from "../json.ts";
import { parseUnixTime } from "../time.ts";
import { eventMatches, wireEvent } from "../translate/event-out.ts";

/** A client that does not read is dropped after this many bytes; events of others must not pile up behind it. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function eventHandlers({ engine, now }: Context): Pick<Handlers, "SystemEvents"> {
  return {
    SystemEvents: ({ query, api, signal }) => {
      const since = parseUnixTime("since", query.since);
      const until = parseUnixTime("until", query.until);
      if (since !== null && until !== null && since > until) {
        throw invalid(
          "events.bad_range",
          `\`since\` time (${query.since}) cannot be after \`until\` time (${query.until})`,
        );
      }
      const wanted = (event: EngineEvent): boolean =>
        eventMatches(event, query.filters) && (until === null || event.timeNano <= until);
      const lines = new EventLines((event) => (wanted(event) ? jsonLine(wireEvent(event, api)) : null));
      const unsubscribe = engine.events.subscribe((event) => lines.offer(event));
      lines.once("close", unsubscribe);
      signal.addEventListener("abort", () => lines.destroy(), { once: true });
      if (since !== null || until !== null) {
        for (const event of engine.events.recent()) if (since === null || event.timeNano >= since) lines.offer(event);
      }
      if (until !== null) endAt(lines, Number(until / 1_000_000n), now);
      return stream(lines, "application/json");
    },
  };
}

class EventLines extends Readable {
  readonly #render: (event: EngineEvent) => string | null;
  constructor(render: (event: EngineEvent) => string | null) {
    super({ highWaterMark: MAX_UNREAD_BYTES });
    this.#render = render;
  }
  override _read(): void {}
  offer(event: EngineEvent): void {
    if (this.destroyed || this.readableEnded) return;
    const line = this.#render(event);
    if (line !== null && !this.push(line)) this.destroy();
  }
  finish(): void {
    if (!this.destroyed) this.push(null);
  }
}

function endAt(lines: EventLines, whenMs: number, now: () => number): void {
  const left = whenMs - now();
  if (left <= 0) return lines.finish();
  const timer = setTimeout(() => endAt(lines, whenMs, now), Math.min(left, LONGEST_TIMER_MS));
  lines.once("close", () => clearTimeout(timer));
}
