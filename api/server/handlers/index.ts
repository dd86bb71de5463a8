/** All handlers, one per served row of the route table. */
import type { Handlers } from "../answer.ts";
import type { Context } from "../context.ts";
import { containerHandlers } from "./containers.ts";
import { eventHandlers } from "./events.ts";
import { execHandlers } from "./exec.ts";
import { imageHandlers } from "./images.ts";
import { lifecycleHandlers } from "./lifecycle.ts";
import { networkHandlers } from "./networks.ts";
import { statsHandlers } from "./stats.ts";
import { streamHandlers } from "./streams.ts";
import { systemHandlers } from "./system.ts";

export const createHandlers = (context: Context): Handlers => ({
  ...systemHandlers(context),
  ...eventHandlers(context),
  ...containerHandlers(context),
  ...lifecycleHandlers(context),
  ...streamHandlers(context),
  ...statsHandlers(context),
  ...execHandlers(context),
  ...imageHandlers(context),
  ...networkHandlers(context),
});
