/**
 * What a daemon does with the records it finds when it starts. Pure: records and what the backend says about a run, to
 * actions; `recover-run.ts` carries them out.
 */
import type { Exit, Recovered, Sandbox } from "../isolation/backend.ts";
import type { LiveRecord, StoredContainer } from "../store/records.ts";
import { startAtBoot } from "./restart-policy.ts";
import { exitCodeOf, isRunning } from "./state.ts";

/** Before anything was asked: what the record alone says. */
export type BootAction =
  /** A create that was cut: undo it. */
  | { readonly do: "discard"; readonly id: string }
  /** A remove that was cut: complete it. */
  | { readonly do: "erase"; readonly id: string; readonly stored: StoredContainer }
  /** A run is (or may be) up, or its end was not recorded: ask the backend. */
  | { readonly do: "ask"; readonly id: string }
  /** It does not run: the restart policy decides. */
  | { readonly do: "rest"; readonly id: string };

export function planBoot(stored: StoredContainer): BootAction {
  const { id, phase, record, live } = stored;
  if (phase === "creating" || record === null || live === null) return { do: "discard", id };
  if (phase === "removing") return { do: "erase", id, stored };
  return live.sandbox === null ? { do: "rest", id } : { do: "ask", id };
}

/** What is done once the backend has answered. */
export type Verdict =
  | { readonly do: "adopt"; readonly sandbox: Sandbox }
  /** It was running by the record (or by its exit file) and is not any more. */
  | { readonly do: "conclude"; readonly exit: Exit }
  /** Nothing to tell: a start that was cut before the program executed, or an end that was told already. */
  | { readonly do: "forget" };

export function judge(live: LiveRecord, recovered: Recovered): Verdict {
  if (recovered.status === "running") return { do: "adopt", sandbox: recovered.sandbox };
  if (live.isEnded) return { do: "forget" };
  if (isRunning(live.state)) return { do: "conclude", exit: recovered.exit };
  // The start was under way. Only a monitor that ran the program to its end leaves an exit without a reason.
  return recovered.exit.reason === "" ? { do: "conclude", exit: recovered.exit } : { do: "forget" };
}

export type RestAction = "start" | "remove" | "nothing";

/** A container that does not run when the daemon starts. */
export function restAction(
  live: LiveRecord,
  host: { readonly autoRemove: boolean; readonly restartPolicy: Parameters<typeof startAtBoot>[0] },
): RestAction {
  if (live.state.status === "dead" || live.state.status === "removing") return "nothing";
  if (host.autoRemove && live.everStarted) return "remove";
  const facts = {
    everStarted: live.everStarted,
    exitCode: exitCodeOf(live.state),
    manuallyStopped: live.manuallyStopped,
    restartCount: live.restartCount,
  };
  return startAtBoot(host.restartPolicy, facts) ? "start" : "nothing";
}
