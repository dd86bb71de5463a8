/** System calls that Node lacks, all synchronous and safe in a multithreaded process. See the four files for each. */
export { lastErrno, type PathBytes, type SystemCallError, systemCallError } from "./libc.ts";
export * from "./sys-files.ts";
export * from "./sys-mount.ts";
export * from "./sys-process.ts";
export * from "./sys-unpack.ts";
export * from "./sys-xattr.ts";
