/**
 * One lane of mutations per object: acts run one after the other in the order they were asked for; reads never enter the
 * lane. `interrupt` aborts the act that runs now (its AbortSignal fires); it does not wait for it.
 */
import { cancelled } from "./errors.ts";

interface Running {
  readonly label: string;
  readonly controller: AbortController;
}

export class Actor {
  readonly #name: string;
  #tail: Promise<unknown> = Promise.resolve();
  #depth = 0;
  #current: Running | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  /** Label of the act that runs now, or null. */
  get current(): string | null {
    return this.#current?.label ?? null;
  }
  get idle(): boolean {
    return this.#depth === 0;
  }

  run<T>(label: string, act: (signal: AbortSignal) => Promise<T> | T): Promise<T> {
    this.#depth += 1;
    const started = this.#depth === 1 ? this.#perform(label, act) : this.#tail.then(() => this.#perform(label, act));
    this.#tail = started.then(
      () => {},
      () => {},
    );
    return started;
  }

  async #perform<T>(label: string, act: (signal: AbortSignal) => Promise<T> | T): Promise<T> {
    const running = { label, controller: new AbortController() };
    this.#current = running;
    try {
      return await act(running.controller.signal);
    } finally {
      this.#current = null;
      this.#depth -= 1;
    }
  }

  /** Aborts the running act when it has this label. */
  interrupt(label: string, why: string): void {
    if (this.#current?.label === label) {
      this.#current.controller.abort(
        cancelled("actor.interrupted", `${label} of ${this.#name} was interrupted by ${why}`),
      );
    }
  }

  /** Resolves when everything asked for so far has run. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
