/** Docker's restart policies as pure decisions: after an exit, and when the daemon starts. */
import type { RestartPolicy } from "../spec/config.ts";

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 60_000;
/** A run this long resets the back-off. */
const GOOD_RUN_MS = 10_000;

export interface ExitFacts {
  readonly exitCode: number;
  readonly ranMs: number;
  /** stop, or a kill that counts as one: cancels restarts. */
  readonly manuallyStopped: boolean;
  /** Automatic restarts so far. */
  readonly restartCount: number;
  /** The previous delay; 0 = none since the last manual start. */
  readonly previousDelayMs: number;
}

function wanted(policy: RestartPolicy, exitCode: number, restartCount: number): boolean {
  switch (policy.name) {
    case "no":
      return false;
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return exitCode !== 0 && (policy.maximumRetryCount === 0 || restartCount < policy.maximumRetryCount);
  }
}

/** Delay before the next start, or null when it stays down. */
export function delayAfterExit(policy: RestartPolicy, exit: ExitFacts): number | null {
  if (exit.manuallyStopped || !wanted(policy, exit.exitCode, exit.restartCount)) return null;
  if (exit.previousDelayMs === 0 || exit.ranMs >= GOOD_RUN_MS) return FIRST_DELAY_MS;
  return Math.min(exit.previousDelayMs * 2, MAX_DELAY_MS);
}

export interface BootFacts {
  readonly everStarted: boolean;
  readonly exitCode: number;
  readonly manuallyStopped: boolean;
  readonly restartCount: number;
}

/** Whether a container that does not run when the daemon starts is started by it. */
export function startAtBoot(policy: RestartPolicy, facts: BootFacts): boolean {
  if (!facts.everStarted) return false;
  switch (policy.name) {
    case "no":
      return false;
    case "always":
      return true;
    case "unless-stopped":
      return !facts.manuallyStopped;
    case "on-failure":
      return !facts.manuallyStopped && wanted(policy, facts.exitCode, facts.restartCount);
  }
}
