/**
 * Files of the daemon and of the host, by path. Never call these on a path inside a container's tree: there a component
 * may be a link that the container made. Trees of containers are walked by handle (fs-handle.ts, openat2).
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";

/** null when it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
export const writeText = (path: string, text: string, mode: number): void => writeFileSync(path, text, { mode });
/** Follows links: for files of the host that a user names. */
export const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
/** The last component is not followed. */
export function entryKind(path: string): "missing" | "link" | "other" {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? "missing" : found.isSymbolicLink() ? "link" : "other";
}
export const names = (dir: string): string[] => readdirSync(dir);
export const makeDirectory = (path: string, mode: number): void => void mkdirSync(path, { mode });
export const makeDirectories = (path: string, mode: number): void => void mkdirSync(path, { recursive: true, mode });
export const rename = (from: string, to: string): void => renameSync(from, to);
/** Idempotent. */
export const removeFile = (path: string): void => rmSync(path, { force: true });
/**
 * Idempotent; links are removed, not followed. Node's rmSync ends without an error, and with the directory still there, when
 * somebody else removes an entry at the same time (a monitor its control socket): what is left is looked at again.
 */
export function removeTree(path: string): void {
  for (let tries = 0; tries < 8; tries++) {
    rmSync(path, { recursive: true, force: true });
    if (entryKind(path) === "missing") return;
  }
}
