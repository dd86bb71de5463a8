/** Container events: labels, image and name with each, and what the action adds (events/catalog.ts). */
import { type ActionAttributes, type ContainerAction, containerAction } from "../events/catalog.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";

export function publish<A extends ContainerAction>(
  context: Context,
  container: Container,
  action: A,
  attributes: ActionAttributes<A>,
  command: readonly string[] = [],
): void {
  const { config, name } = container.record;
  context.events.publish({
    type: "container",
    action: containerAction(action, command),
    actorId: container.id,
    attributes: { ...config.labels, image: config.image, name, ...attributes },
  });
}
