import fc from "fast-check";
import { expect, test } from "vitest";
import { isRunning, next, type StateEvent } from "../../../../engine/container/state.ts";
import type { ContainerState } from "../../../../engine/types.ts";

const ended = { exitCode: 1, signal: null, oomKilled: false, finishedAt: "2026-11-22T00:00:01.000000000Z", error: "" };
const started: StateEvent = { type: "started", pid: 7, startedAt: "2026-11-22T00:00:00.000000000Z" };
const EVENTS: readonly StateEvent[] = [
  started,
  { type: "start_failed", error: "no", exitCode: 127 },
  { type: "paused" },
  { type: "resumed" },
  { type: "oom" },
  { type: "exited", ...ended },
  { type: "restarting", ...ended },
  { type: "restart_cancelled" },
  { type: "remove" },
  { type: "remove_failed", error: "busy" },
];
const created: ContainerState = { status: "created", error: "", exitCode: 0 };
const walk = (...types: StateEvent["type"][]): ContainerState =>
  types.reduce<ContainerState>(
    (state, type) => next(state, EVENTS.find((event) => event.type === type) as StateEvent) ?? state,
    created,
  );

test("the table of what each event does in each state", () => {
  const reach: Record<string, ContainerState> = {
    created,
    running: walk("started"),
    paused: walk("started", "paused"),
    restarting: walk("started", "restarting"),
    exited: walk("started", "exited"),
    removing: walk("started", "exited", "remove"),
    dead: walk("started", "exited", "remove", "remove_failed"),
  };
  const table = Object.entries(reach).map(([name, state]) => {
    expect(state.status).toBe(name);
    return `${name}: ${EVENTS.map((event) => `${event.type}→${next(state, event)?.status ?? "-"}`).join(" ")}`;
  });
  expect(table).toEqual([
    "created: started→running start_failed→created paused→- resumed→- oom→- exited→- restarting→- restart_cancelled→- remove→removing remove_failed→-",
    "running: started→- start_failed→- paused→paused resumed→- oom→running exited→exited restarting→restarting restart_cancelled→- remove→- remove_failed→-",
    "paused: started→- start_failed→- paused→- resumed→running oom→paused exited→exited restarting→restarting restart_cancelled→- remove→- remove_failed→-",
    "restarting: started→running start_failed→exited paused→- resumed→- oom→- exited→- restarting→- restart_cancelled→exited remove→removing remove_failed→-",
    "exited: started→running start_failed→exited paused→- resumed→- oom→- exited→- restarting→- restart_cancelled→- remove→removing remove_failed→-",
    "removing: started→- start_failed→- paused→- resumed→- oom→- exited→- restarting→- restart_cancelled→- remove→removing remove_failed→dead",
    "dead: started→- start_failed→- paused→- resumed→- oom→- exited→- restarting→- restart_cancelled→- remove→removing remove_failed→-",
  ]);
});

test("whatever happens: a pid only while it runs, an exit keeps the start's time, oom survives until the next start", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 30 }), (events) => {
      let state: ContainerState = created as ContainerState;
      let oom = false;
      for (const event of events) {
        const after = next(state, event);
        if (after === null) continue;
        if (event.type === "started") oom = false;
        if (event.type === "oom") oom = true;
        state = after;
        expect("pid" in state).toBe(isRunning(state));
        if ("oomKilled" in state) expect(state.oomKilled).toBe(oom);
        if (state.status === "exited") expect(state.startedAt).toBe("2026-11-22T00:00:00.000000000Z");
      }
    }),
  );
});
