/** The catalog of events: which actions a type has and which attributes each adds to labels, `image` and `name`. */
export const CONTAINER_EVENTS = {
  create: [],
  start: [],
  restart: [],
  stop: [],
  pause: [],
  unpause: [],
  attach: [],
  detach: [],
  resize: ["height", "width"],
  update: [],
  rename: ["oldName"],
  kill: ["signal"],
  die: ["exitCode", "execDuration"],
  oom: [],
  destroy: [],
  top: [],
  exec_create: ["execID"],
  exec_start: ["execID"],
  exec_die: ["execID", "exitCode"],
  exec_detach: ["execID"],
} as const satisfies Record<string, readonly string[]>;
export type ContainerAction = keyof typeof CONTAINER_EVENTS;

export const IMAGE_EVENTS = ["load", "tag", "untag", "delete", "pull", "push", "import", "save", "prune"] as const;
export type ImageAction = (typeof IMAGE_EVENTS)[number];

/** exec_create and exec_start carry the command in the action itself: "exec_start: ls -l". */
export const containerAction = (action: ContainerAction, command: readonly string[] = []): string =>
  action === "exec_create" || action === "exec_start" ? `${action}: ${command.join(" ")}` : action;

export type ActionAttributes<A extends ContainerAction> = Readonly<
  Record<(typeof CONTAINER_EVENTS)[A][number], string>
>;
