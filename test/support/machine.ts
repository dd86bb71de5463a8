/**
 * What a daemon, container or test has on this machine: processes, mounts, cgroups, pinned namespaces, files. Other test runs
 * share the machine, so everything is found by a mark: a path of the test's own root, a cgroup parent, a container id.
 *
 *   const before = footprint(marks);
 *   …
 *   await settled(() => footprint(marks), before);      // equal again, or an error that shows the difference
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

export interface Footprint {
  /** "pid command", sorted. */
  readonly processes: readonly string[];
  /** Lines of this mount namespace's mountinfo without their changing numbers. */
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  /** Files that pin a namespace below /run. */
  readonly namespaces: readonly string[];
}

export const isRoot = process.getuid?.() === 0;

const attempt = <T>(act: () => T, otherwise: T): T => {
  try {
    return act();
  } catch {
    return otherwise; // the process or file went away while we looked
  }
};
const list = (dir: string): string[] => attempt(() => readdirSync(dir), []);
const link = (path: string): string => attempt(() => readlinkSync(path), "");
const text = (path: string): string => attempt(() => readFileSync(path, "utf8"), "");

function ancestors(): Set<number> {
  const found = new Set<number>();
  for (let pid = process.pid; pid > 1 && !found.has(pid); ) {
    found.add(pid);
    pid = Number(/^PPid:\s+(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] ?? 0);
  }
  return found;
}

/** Ids of processes that carry a mark in their command line, cgroup, working directory, root, executable or open files. */
export function processesWith(marks: readonly string[]): number[] {
  const ours = ancestors();
  const has = (value: string): boolean => marks.some((mark) => value.includes(mark));
  const carries = (pid: number): boolean => {
    const base = `/proc/${pid}`;
    if (has(text(`${base}/cmdline`)) || has(text(`${base}/cgroup`))) return true;
    if (["cwd", "root", "exe"].some((name) => has(link(`${base}/${name}`)))) return true;
    return list(`${base}/fd`).some((fd) => has(link(`${base}/fd/${fd}`)));
  };
  const all = list("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && !ours.has(pid));
  return all.filter(carries);
}

/** "" for a zombie: its parent has still to collect it, but it holds nothing. */
const commandOf = (pid: number): string => text(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();

function cgroupRoots(): string[] {
  const lines = text("/proc/self/mountinfo").split("\n");
  return lines.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(" ")[4] ?? "");
}

/** Directories of every cgroup hierarchy whose path below the mount contains a mark. */
export function cgroupsWith(marks: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (dir: string, depth: number, inside: boolean): void => {
    for (const entry of attempt(() => readdirSync(dir, { withFileTypes: true }), [])) {
      if (!entry.isDirectory()) continue;
      const path = join(dir, entry.name);
      const marked = inside || marks.some((mark) => path.includes(mark));
      if (marked) found.push(path);
      if (depth < 6) visit(path, depth + 1, marked);
    }
  };
  for (const root of new Set(cgroupRoots())) visit(root, 0, false);
  return found.sort();
}

export function mountsWith(marks: readonly string[]): string[] {
  const lines = text("/proc/self/mountinfo").split("\n");
  const marked = lines.filter((line) => marks.some((mark) => line.includes(mark)));
  return marked.map((line) => line.split(" ").slice(3).join(" ")).sort();
}

function namespacesWith(marks: readonly string[]): string[] {
  const files = ["/run/netns", "/run/docker/netns", "/run/tare/netns"].flatMap((dir) =>
    list(dir).map((name) => join(dir, name)),
  );
  return files.filter((path) => marks.some((mark) => path.includes(mark))).sort();
}

export function footprint(marks: readonly string[]): Footprint {
  const processes = processesWith(marks).map((pid) => `${pid} ${commandOf(pid)}`);
  return {
    processes: processes.filter((line) => !line.endsWith(" ")).sort(),
    mounts: mountsWith(marks),
    cgroups: cgroupsWith(marks),
    namespaces: namespacesWith(marks),
  };
}

/** Everything below a directory as sorted relative paths; a missing directory is empty. */
export const tree = (dir: string): string[] =>
  existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: "utf8" }).sort() : [];

/** What a process has open: kinds and paths without numbers, sorted; compare before and after to find a leak. */
export function descriptors(pid: number): string[] {
  const links = list(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`));
  return links
    .filter((target) => target !== "")
    .map((target) => target.replace(/:\[\d+\]$/, ""))
    .sort();
}

/**
 * Waits until `observe` gives `expected` again: ends of processes and removals of cgroups are seen a moment after the answer to
 * the request that caused them. The error after the deadline shows both.
 */
export async function settled<T>(observe: () => T, expected: T, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const actual = observe();
    if (isDeepStrictEqual(actual, expected)) return;
    if (performance.now() > end) {
      const show = (value: T) => JSON.stringify(value, null, 2);
      throw new Error(`left behind after ${deadlineMs} ms:\n${show(actual)}\nexpected:\n${show(expected)}`);
    }
    await delay(10);
  }
}

export const NOTHING: Footprint = { processes: [], mounts: [], cgroups: [], namespaces: [] };

/** Fails unless no process, mount, cgroup or namespace with these marks is left. */
export const nothingLeft = (marks: readonly string[], deadlineMs?: number): Promise<void> =>
  settled(() => footprint(marks), NOTHING, deadlineMs);
