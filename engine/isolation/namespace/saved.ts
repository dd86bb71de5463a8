/**
 * What a later daemon must know about a run to exec into it and attach to it, kept beside the control socket. It says
 * nothing that decides whether the container lives: the monitor and the kernel do.
 */
import { readText, writeText } from "../../base/fs.ts";
import type { Hook, RunSpec, SeccompProfile } from "../../spec/run-spec.ts";
import { parseExactly, printExactly } from "../../spec/seccomp/fields.ts";
import { namespaceMask } from "./compile.ts";

const FILE = "sandbox.json";
const VERSION = 1;

export interface SavedSandbox {
  readonly version: number;
  readonly terminal: boolean;
  /** CLONE_NEW* to join. */
  readonly namespaces: number;
  readonly seccomp: SeccompProfile | "default" | null;
  readonly bounding: readonly string[];
  readonly id: string;
  readonly annotations: RunSpec["annotations"];
  readonly poststop: readonly Hook[];
}

export const toSaved = (spec: RunSpec): SavedSandbox => ({
  version: VERSION,
  terminal: spec.process.terminal,
  namespaces: namespaceMask(spec),
  seccomp: spec.seccomp,
  bounding: spec.process.capabilities.bounding,
  id: spec.id,
  annotations: spec.annotations,
  poststop: spec.hooks.poststop ?? [],
});

// Argument values of a seccomp profile have 64 bits: rounded, an exec would get another filter than the container.
export const writeSaved = (runtimeDir: string, saved: SavedSandbox): void =>
  writeText(`${runtimeDir}/${FILE}`, printExactly(saved), 0o600);

/** null when it is missing or of another version: the run can be watched and stopped, not entered. */
export function readSaved(runtimeDir: string): SavedSandbox | null {
  const text = readText(`${runtimeDir}/${FILE}`);
  if (text === null) return null;
  try {
    const saved = parseExactly(text) as SavedSandbox;
    return saved.version === VERSION ? saved : null;
  } catch {
    return null;
  }
}
