/** Samples and their summary. All times in milliseconds, all sizes in KiB. */

export interface Summary {
  readonly n: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
}

/** One thing measured for one engine. */
export interface Case {
  readonly engine: string;
  /** One sample: does its own preparation and clean-up, returns only what counts. */
  sample(): Promise<number>;
}

/** Nearest-rank quantile of sorted values. */
export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN;

export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  return { n: sorted.length, min: sorted[0] ?? Number.NaN, median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
}

/** Fisher-Yates with a given source of randomness in [0, 1). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

export interface Rounds {
  readonly n: number;
  readonly warmUps: number;
}

/**
 * Every case once per round, in another order each round, so that no engine always profits from what the one before it left in the
 * caches. The first rounds are dropped. A case that fails is reported under its name and measured no further.
 */
export async function measure(cases: readonly Case[], { n, warmUps }: Rounds): Promise<Map<string, Summary | Error>> {
  const samples = new Map<string, number[]>(cases.map(({ engine }) => [engine, []]));
  const failed = new Map<string, Error>();
  for (let round = 0; round < n + warmUps; round += 1) {
    for (const { engine, sample } of shuffled(cases, Math.random)) {
      if (failed.has(engine)) continue;
      try {
        const value = await sample();
        if (round >= warmUps) samples.get(engine)?.push(value);
      } catch (error) {
        failed.set(engine, error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
  return new Map(cases.map(({ engine }) => [engine, failed.get(engine) ?? summarise(samples.get(engine) ?? [])]));
}

/** Milliseconds that `act` takes. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
