/** Events: a ring of the last 256 and listeners that are called in order, synchronously, and must not throw or block. */
import type { Clock } from "../base/time.ts";
import type { EngineEvent, EventBus } from "../types.ts";

export const RING_SIZE = 256;

export class Bus implements EventBus {
  readonly #clock: Clock;
  readonly #ring: EngineEvent[] = [];
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #lastNano = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  publish(event: Omit<EngineEvent, "timeNano">): void {
    const now = this.#clock.now();
    this.#lastNano = now > this.#lastNano ? now : this.#lastNano + 1n;
    const full: EngineEvent = Object.freeze({ ...event, timeNano: this.#lastNano });
    this.#ring.push(full);
    if (this.#ring.length > RING_SIZE) this.#ring.shift();
    for (const listener of [...this.#listeners]) listener(full);
  }

  recent(): readonly EngineEvent[] {
    return [...this.#ring];
  }

  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** For /info's NEventsListener. */
  get listenerCount(): number {
    return this.#listeners.size;
  }
}
