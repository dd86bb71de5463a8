/** Signals as users write them. */
import { invalid } from "../base/errors.ts";
import { signalNumber } from "../spec/signals.ts";
import type { ContainerRecord } from "../store/records.ts";

export const SIGKILL = 9;
export const SIGTERM = 15;

/** Throws `container.bad_signal` with Docker's text. */
export function parseSignal(text: string): number {
  const number = signalNumber(text);
  if (number === null) throw invalid("container.bad_signal", `invalid signal: ${text}`, { details: { signal: text } });
  return number;
}

/** The image's or user's stop signal, SIGTERM when none is set (checked at create). */
export const stopSignalOf = (record: ContainerRecord): number =>
  record.config.stopSignal === null ? SIGTERM : (signalNumber(record.config.stopSignal) ?? SIGTERM);
