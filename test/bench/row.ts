/** A row of the published table: cases that are measured together, and what was promised about their ratio. */
import { type Case, measure, type Rounds, type Summary } from "./measure.ts";

export interface Expectation {
  readonly engine: string;
  /** Our median divided by theirs must not exceed this. */
  readonly atMost: number;
}

/** A promise in absolute terms. */
export interface Limit {
  readonly atMost: number;
}

export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly cases: Readonly<Record<string, Summary | { readonly error: string }>>;
  readonly verdicts: readonly Verdict[];
}

export interface Verdict {
  readonly promise: string;
  /** Ours divided by theirs, or our value for an absolute limit; NaN when one of them is missing. */
  readonly value: number;
  readonly met: boolean | "not measured";
}

export interface RowPlan {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly cases: readonly Case[];
  readonly promises: readonly Expectation[];
  readonly limit?: Limit;
  readonly rounds: Rounds;
  /** Removes what the samples left for each other. */
  readonly finish?: () => Promise<void>;
}

export const OURS = "tare";

const isSummary = (value: unknown): value is Summary =>
  typeof value === "object" && value !== null && "median" in value;
const percent = (ratio: number): string =>
  ratio >= 1 ? `≤ ${ratio} ×` : `≥ ${Math.round(100 / ratio) / 100} × faster than`;

function verdict(value: number, promise: string, atMost: number): Verdict {
  return { promise, value, met: Number.isNaN(value) ? "not measured" : value <= atMost };
}

export function judge(
  plan: Pick<RowPlan, "promises" | "limit" | "unit">,
  results: ReadonlyMap<string, Summary | Error>,
): Verdict[] {
  const medianOf = (engine: string): number => {
    const result = results.get(engine);
    return isSummary(result) ? result.median : Number.NaN;
  };
  const ratios = plan.promises.map(({ engine, atMost }) =>
    verdict(medianOf(OURS) / medianOf(engine), `${percent(atMost)} ${engine}`, atMost),
  );
  if (plan.limit === undefined) return ratios;
  return [...ratios, verdict(medianOf(OURS), `≤ ${plan.limit.atMost} ${plan.unit}`, plan.limit.atMost)];
}

export async function runRow(plan: RowPlan): Promise<RowResult> {
  const results = await measure(plan.cases, plan.rounds).finally(() => plan.finish?.());
  const cases = Object.fromEntries(
    [...results].map(([engine, result]) => [engine, result instanceof Error ? { error: result.message } : result]),
  );
  return { id: plan.id, title: plan.title, unit: plan.unit, cases, verdicts: judge(plan, results) };
}

const number = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

export function renderRow(row: RowResult): string {
  const ours = row.cases[OURS];
  const lines = Object.entries(row.cases).map(([engine, result]) => {
    if (!isSummary(result))
      return `  ${engine.padEnd(22)} failed: ${result.error.replace(/[0-9a-f]{64}/g, "ID").slice(0, 300)}`;
    const ratio = isSummary(ours) && engine !== OURS ? `${number(result.median / ours.median)} × ours` : "";
    const figures = [result.median, result.p95, result.min].map((value) => number(value).padStart(9)).join(" ");
    return `  ${engine.padEnd(22)}${figures}  n=${String(result.n).padEnd(4)} ${ratio}`;
  });
  const verdicts = row.verdicts.map(({ promise, value, met }) => {
    const word = met === "not measured" ? "not measured" : `${met ? "met" : "MISSED"} (${number(value)})`;
    return `  → ${promise}: ${word}`;
  });
  const head = `${row.title} [${row.unit}]\n  ${"".padEnd(22)}${["median", "p95", "min"].map((name) => name.padStart(9)).join(" ")}`;
  return [head, ...lines, ...verdicts].join("\n");
}
