/** The door of native/binding: the only code that loads koffi or starts the shim. */
export * as sys from "./sys.ts";
export type { PathBytes, SystemCallError } from "./sys.ts";
