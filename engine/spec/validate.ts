import type { Capabilities } from "../isolation/backend.ts";
import type { ContainerConfig, HostConfig, ResourceConfig } from "./config.ts";
import type { HostView } from "./host-view.ts";

export interface ValidationInput {
  /** Merged with the image's configuration. */
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly view: HostView;
  readonly capabilities: Capabilities;
}
export interface Validated {
  /** With Docker's defaults written back and limits that this host cannot enforce set to zero. */
  readonly host: HostConfig;
  /** One sentence for each thing that will not be as asked. */
  readonly warnings: readonly string[];
}

/** Checks a create request; throws `invalid` (or `unsupported`) with every problem found, one per line. Pure. */
export function validateCreate(input: ValidationInput): Validated {
  return { host: input.host, warnings: [] };
}

export interface UpdateInput {
  readonly host: HostConfig;
  /** Zero values mean unchanged, as on the wire. */
  readonly changes: Partial<ResourceConfig>;
  readonly view: HostView;
  readonly capabilities: Capabilities;
}
/** The HostConfig after `update`, checked. Pure. */
export function validateUpdate(input: UpdateInput): Validated {
  return { host: { ...input.host, ...input.changes }, warnings: [] };
}
