/**
 * The life of a container as a table. `next` is pure and total: null = this event means nothing in this state (a late
 * report, a doubled request), and the caller keeps the state it has.
 *
 *   created ──started──▶ running ⇄ paused ──exited──▶ exited ──started──▶ running …
 *                           └──────restarting──▶ restarting ──started──▶ running
 *   any but running/paused ──remove──▶ removing ──remove_failed──▶ dead
 */
import type { ContainerState, Timestamp } from "../types.ts";

export interface Ended {
  readonly exitCode: number;
  readonly signal: number | null;
  readonly oomKilled: boolean;
  readonly finishedAt: Timestamp;
  readonly error: string;
}

export type StateEvent =
  | { readonly type: "started"; readonly pid: number; readonly startedAt: Timestamp }
  | { readonly type: "start_failed"; readonly error: string; readonly exitCode: number }
  | { readonly type: "paused" }
  | { readonly type: "resumed" }
  | { readonly type: "oom" }
  | ({ readonly type: "exited" } & Ended)
  | ({ readonly type: "restarting" } & Ended)
  | { readonly type: "restart_cancelled" }
  | { readonly type: "remove" }
  | { readonly type: "remove_failed"; readonly error: string };

type Status = ContainerState["status"];
const ZERO: Timestamp = "0001-01-01T00:00:00Z";

export const isRunning = (state: ContainerState): state is Extract<ContainerState, { status: "running" | "paused" }> =>
  state.status === "running" || state.status === "paused";

/** What wait and ps report before the first start too. */
export const exitCodeOf = (state: ContainerState): number => ("exitCode" in state ? state.exitCode : 0);

const STARTABLE: ReadonlySet<Status> = new Set<Status>(["created", "exited", "restarting"]);
const REMOVABLE: ReadonlySet<Status> = new Set<Status>(["created", "exited", "restarting", "dead", "removing"]);

function ended(state: Extract<ContainerState, { startedAt: string }>, event: Ended) {
  return {
    startedAt: state.startedAt,
    finishedAt: event.finishedAt,
    exitCode: event.exitCode,
    oomKilled: event.oomKilled || ("oomKilled" in state && state.oomKilled),
    error: event.error,
  };
}

function startFailed(state: ContainerState, error: string, exitCode: number): ContainerState | null {
  if (state.status === "created") return { status: "created", error, exitCode };
  if (state.status === "exited") return { ...state, error, exitCode };
  if (state.status === "restarting") return { ...state, status: "exited", error, exitCode, signal: null };
  return null;
}

const remains = (state: ContainerState) => ({
  startedAt: "startedAt" in state ? state.startedAt : ZERO,
  finishedAt: "finishedAt" in state ? state.finishedAt : ZERO,
  exitCode: exitCodeOf(state),
  oomKilled: "oomKilled" in state && state.oomKilled,
});

export function next(state: ContainerState, event: StateEvent): ContainerState | null {
  switch (event.type) {
    case "started":
      return STARTABLE.has(state.status)
        ? { status: "running", pid: event.pid, startedAt: event.startedAt, oomKilled: false }
        : null;
    case "start_failed":
      return startFailed(state, event.error, event.exitCode);
    case "paused":
      return state.status === "running" ? { ...state, status: "paused" } : null;
    case "resumed":
      return state.status === "paused" ? { ...state, status: "running" } : null;
    case "oom":
      return isRunning(state) ? { ...state, oomKilled: true } : null;
    case "exited":
      return isRunning(state) ? { status: "exited", ...ended(state, event), signal: event.signal } : null;
    case "restarting":
      return isRunning(state) ? { status: "restarting", ...ended(state, event) } : null;
    case "restart_cancelled":
      return state.status === "restarting" ? { ...state, status: "exited", signal: null } : null;
    case "remove":
      return REMOVABLE.has(state.status) ? { status: "removing", ...remains(state), error: "" } : null;
    case "remove_failed":
      return state.status === "removing" ? { ...state, status: "dead", error: event.error } : null;
  }
}
