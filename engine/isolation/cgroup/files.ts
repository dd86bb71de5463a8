/** The few synchronous file acts on cgroup directories. They are tiny and in memory: a thread hop would cost more. */
import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, writeSync } from "node:fs";
import { errnoCode } from "../../base/errors.ts";

/** Never creates: a limit whose file is missing must fail, not leave a file in some other filesystem. */
export function writeControl(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

/** Trimmed text; null when there is no such file. */
export function readControl(path: string): string | null {
  try {
    return readFileSync(path, "latin1").trim();
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** A cgroup that is removed while it is read answers ENODEV. */
export const isGone = (error: unknown): boolean => ["ENOENT", "ENODEV", "ENOTDIR"].includes(errnoCode(error) ?? "");

export function readNumber(path: string): number | null {
  const text = readControl(path);
  return text === null || !/^-?\d+$/.test(text) ? null : Number(text);
}

/** Number of each "key value" line. */
export function parseFlat(text: string | null): Readonly<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const line of (text ?? "").split("\n")) {
    const at = line.indexOf(" ");
    if (at > 0) values[line.slice(0, at)] = Number(line.slice(at + 1));
  }
  return values;
}

/** true when it was made by this call. */
export function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if (errnoCode(error) === "EEXIST") return false;
    throw error;
  }
}

export function childDirectories(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Deepest first: containers with a writable cgroup mount make children. Returns false while it is busy. */
export function removeTree(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (isGone(error)) return true;
    if (errnoCode(error) !== "EBUSY" && errnoCode(error) !== "ENOTEMPTY") throw error;
  }
  const emptied = childDirectories(path)
    .map((name) => removeTree(`${path}/${name}`))
    .every(Boolean);
  if (!emptied) return false;
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (isGone(error)) return true;
    if (errnoCode(error) === "EBUSY") return false;
    throw error;
  }
}

/** Process ids of a cgroup and of those below it. */
export function readProcesses(path: string): readonly number[] {
  const own = (readControl(`${path}/cgroup.procs`) ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  return [...own, ...childDirectories(path).flatMap((name) => readProcesses(`${path}/${name}`))];
}
