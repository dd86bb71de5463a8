/** The door of isolation: the interface, and the one function that gives an implementation. */
export type * from "./backend.ts";
export { observeDevices, readHostView } from "./host-view.ts";
export { type BackendOptions, isNamespaceRuntime, openBackend } from "./select.ts";
