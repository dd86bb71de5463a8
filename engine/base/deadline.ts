/** Waiting with an end. */
import type { Clock } from "./time.ts";

/** true when `promise` settled (either way) within `ms`; null = wait for ever. */
export async function settledWithin(promise: Promise<unknown>, ms: number | null, clock: Clock): Promise<boolean> {
  const done = promise.then(
    () => true,
    () => true,
  );
  if (ms === null) return done;
  let cancel = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(ms, () => resolve(false));
  });
  const result = await Promise.race([done, late]);
  cancel();
  return result;
}
