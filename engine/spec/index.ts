/** The door of spec: requests in, RunSpec out. All pure. */
export type * from "./config.ts";
export { type DeviceObservation, type HostDevice, type HostView, NO_DEVICES } from "./host-view.ts";
export { commandLine, type ImageRunConfig, mergeConfig } from "./image-config.ts";
export { type MountPlan, type MountRequests, planMounts, toMount } from "./mounts.ts";
export { type ResolvedUser, type ResolveInput, resolve, resolveExec, resolveResources } from "./resolve.ts";
export type * from "./run-spec.ts";
export { validateCreate, type Validated, validateUpdate } from "./validate.ts";
