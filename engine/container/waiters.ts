/** Those who wait for a container's end. Registered before `wait` returns; each is told once. */
import { cancelled } from "../base/errors.ts";
import type { WaitCondition, WaitResult } from "../types.ts";

interface Waiter {
  readonly condition: WaitCondition;
  readonly settle: (result: WaitResult) => void;
}

export class Waiters {
  readonly #waiting = new Set<Waiter>();

  add(condition: WaitCondition, signal?: AbortSignal): Promise<WaitResult> {
    const { promise, resolve, reject } = Promise.withResolvers<WaitResult>();
    const onAbort = (): void => {
      this.#waiting.delete(waiter);
      reject(cancelled("container.wait_cancelled", "wait was cancelled"));
    };
    const waiter: Waiter = {
      condition,
      settle: (result) => {
        signal?.removeEventListener("abort", onAbort);
        resolve(result);
      },
    };
    this.#waiting.add(waiter);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    // A client that went away is no unhandled rejection.
    promise.catch(() => {});
    return promise;
  }

  /** An exit (also one that restarts) satisfies not-running and next-exit. */
  exited(result: WaitResult): void {
    this.#wake(result, (waiter) => waiter.condition !== "removed");
  }
  /** Removal satisfies everyone. */
  removed(result: WaitResult): void {
    this.#wake(result, () => true);
  }
  /** Removal failed: those who wait for it are told why. */
  removalFailed(result: WaitResult): void {
    this.#wake(result, (waiter) => waiter.condition === "removed");
  }

  #wake(result: WaitResult, concerns: (waiter: Waiter) => boolean): void {
    for (const waiter of [...this.#waiting]) {
      if (!concerns(waiter)) continue;
      this.#waiting.delete(waiter);
      waiter.settle(result);
    }
  }
}
