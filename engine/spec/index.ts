/** The door of spec: requests in, RunSpec out. All pure. */
export type * from "./config.ts";
export { type DeviceObservation, type HostDevice, type HostView, NO_DEVICES } from "./host-view.ts";
export { commandLine, type ImageRunConfig, mergeConfig } from "./image-config.ts";
export { type BindPlan, type MountPlan, toMount, type TmpfsPlan, type VolumePlan } from "./mount-plan.ts";
export { type MountRequests, planMounts } from "./mounts.ts";
export { type ResolveInput, resolve, resolveHostname } from "./resolve.ts";
export { type ResolvedUser, resolveExec } from "./resolve-process.ts";
export { resolveResources } from "./resolve-resources.ts";
export type * from "./run-spec.ts";
export { validateCreate, type Validated, validateUpdate } from "./validate.ts";
export { fromOci, type OciInput } from "./oci/read.ts";
export { OCI_VERSION, printOci, toOci } from "./oci/write.ts";
