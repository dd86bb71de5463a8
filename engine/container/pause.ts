/** pause and unpause: the cgroup's freezer. */
import { conflict, internal } from "../base/errors.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { publish } from "./publish.ts";

export function pauseContainer(context: Context, container: Container): Promise<void> {
  return container.lane.run("pause", async () => {
    const { id, state, run } = container;
    if (state.status === "paused") throw conflict("container.already_paused", `Container ${id} is already paused`);
    if (state.status === "restarting") {
      throw conflict("container.restarting", `Container ${id} is restarting, wait until the container is running`);
    }
    if (state.status !== "running" || run === null)
      throw conflict("container.not_running", `Container ${id} is not running`);
    await run.sandbox.pause();
    if (container.apply({ type: "paused" })) publish(context, container, "pause", {});
  });
}

/** Docker answers 500 for one that is not paused. */
export function unpauseContainer(context: Context, container: Container): Promise<void> {
  return container.lane.run("unpause", async () => {
    const { id, state, run } = container;
    if (state.status !== "paused" || run === null)
      throw internal("container.not_paused", `Container ${id} is not paused`);
    await run.sandbox.resume();
    if (container.apply({ type: "resumed" })) publish(context, container, "unpause", {});
  });
}
