/** Reports and exit files → the engine's words. Pure but for reading the file. */
import { parseReport, type Report } from "../../../native/binding/index.ts";
import { readText } from "../../base/fs.ts";
import { formatTimestamp } from "../../base/time.ts";
import type { Exit } from "../backend.ts";

/** "seconds.nanoseconds" → RFC3339; "" when there is none. */
export function timestamp(text: string | undefined): string {
  const match = /^(\d+)\.(\d{1,9})$/.exec(text ?? "");
  if (match === null) return "";
  return formatTimestamp(BigInt(match[1] as string) * 1_000_000_000n + BigInt((match[2] as string).padEnd(9, "0")));
}

export const toExit = (report: Report): Exit => ({
  code: report.code ?? 255,
  signal: report.signal ?? null,
  oomKilled: report.oom ?? false,
  finishedAt: timestamp(report.time),
  reason: "",
});

const now = (): string => formatTimestamp(BigInt(Date.now()) * 1_000_000n);

/** Nobody saw the end: SIGKILL is what the cgroup got from us. */
export const inferredExit = (reason: string, code = 137): Exit => ({
  code,
  signal: code > 128 && code < 255 ? code - 128 : null,
  oomKilled: false,
  finishedAt: now(),
  reason,
});

/** The file is written whole before anyone is told, so what is there is true. runId guards against an older run's. */
export function readExitFile(path: string, runId: string): Exit | null {
  const text = readText(path);
  if (text === null) return null;
  try {
    const report = parseReport(Buffer.from(text.trim()));
    return report.at === "exit" && report.run === runId ? toExit(report) : null;
  } catch {
    return null;
  }
}
