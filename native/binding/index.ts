/** The door of native/binding: the only code that loads koffi or starts the shim. */
export * from "../protocol.ts";
export { decodePlan, encodeFields, encodePlan, TABLE_HASH } from "./encode.ts";
export { encodeFrame, FRAME_HEADER_BYTES, frameHeader, FrameSplitter, type FrameSink } from "./frames.ts";
export {
  type AttachStreams,
  type ClientOptions,
  connectMonitor,
  type MonitorClient,
  type Session,
} from "./monitor-client.ts";
export { notifyServiceManager } from "./notify.ts";
export { type HookCommand, type HookResult, runHook } from "./hook.ts";
export { errnoName, parseReport, type ReportLog, ShimFailure, ShimUnavailable } from "./reports.ts";
export { type LaunchHandle, type LaunchOptions, Shim } from "./shim.ts";
export * as sys from "./sys.ts";
export type { PathBytes, SystemCallError } from "./sys.ts";
