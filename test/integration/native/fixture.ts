/** Launches real containers from hand-written plans: a bind or overlay root with nothing but `/hello` in it. */
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  connectMonitor,
  type LaunchHandle,
  type LaunchOptions,
  type LaunchPlan,
  type OpRecord,
  type Report,
  Shim,
  STDIO,
  sys,
} from "../../../native/binding/index.ts";

const build = new URL("../../../native/build/", import.meta.url).pathname;
export const HELLO = join(build, "hello");
/** TARE_TEST_SHIM: another build of it, e.g. the sanitized one (`make -C native asan`). */
export const SHIM = process.env["TARE_TEST_SHIM"] ?? join(build, "ctr-shim");
export const CLONE = {
  time: 0x80,
  mount: 0x20000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
} as const;
export const ALL = CLONE.mount | CLONE.uts | CLONE.ipc | CLONE.pid | CLONE.net;
export const MS_SLAVE_REC = sys.MS.slave | sys.MS.rec;

export interface PlanParts {
  readonly argv: readonly string[];
  readonly env?: readonly string[];
  readonly monitor?: readonly OpRecord[];
  readonly outer?: readonly OpRecord[];
  readonly root?: readonly OpRecord[];
  readonly setup?: readonly OpRecord[];
  readonly afterPivot?: readonly OpRecord[];
  readonly final?: readonly OpRecord[];
  readonly stdio?: number;
  readonly rows?: number;
  readonly cols?: number;
  readonly flags?: number;
  readonly log?: {
    readonly maxBytes?: number;
    readonly maxFiles?: number;
    readonly attrs?: string;
    readonly path?: string;
  };
}

const DEVICES: readonly OpRecord[] = [
  ["null", 3],
  ["zero", 5],
].map(([name, minor]) => ({
  op: "device",
  path: `/dev/${name as string}`,
  mode: 0o020666,
  major: 1,
  minor: minor as number,
  uid: 0,
  gid: 0,
}));
export const fsMount = (fstype: string, target: string, options: readonly string[] = [], flags = 0): OpRecord => ({
  op: "mount",
  fstype,
  source: fstype,
  target,
  options,
  attributes: sys.MOUNT_ATTR.nosuid | (fstype === "tmpfs" || fstype === "devpts" ? 0 : sys.MOUNT_ATTR.nodev),
  flags,
  propagation: 0,
});
export const BASIC_MOUNTS: readonly OpRecord[] = [
  fsMount("proc", "/proc"),
  fsMount("tmpfs", "/dev", ["mode=755", "size=65536k"]),
  fsMount("devpts", "/dev/pts", ["newinstance", "ptmxmode=0666", "mode=0620"]),
  ...DEVICES,
  { op: "symlink", target: "pts/ptmx", path: "/dev/ptmx" },
];

export class Fixture {
  readonly dir = mkdtempSync(join(tmpdir(), "tare-native-"));
  readonly shim = Shim.open(SHIM);
  readonly rootfs = join(this.dir, "rootfs");
  readonly run = join(this.dir, "run");
  readonly exitPath = join(this.dir, "exit");
  readonly logPath = join(this.dir, "log.json");
  readonly #handles: LaunchHandle[] = [];
  #disposed = false;

  constructor() {
    for (const path of [this.rootfs, this.run, join(this.dir, "mnt")]) mkdirSync(path);
    copyFileSync(HELLO, join(this.rootfs, "hello"));
  }

  get ctl(): string {
    return join(this.run, "ctl");
  }
  client(deadlineMs = 10_000): ReturnType<typeof connectMonitor> {
    return connectMonitor(this.ctl, { deadlineMs });
  }

  plan(parts: PlanParts): LaunchPlan {
    const log = parts.log ?? {};
    const flags = parts.flags ?? ALL;
    const bindRoot: OpRecord = { op: "root_bind", mountPoint: join(this.dir, "mnt"), source: this.rootfs, idmapped: 0 };
    return [
      {
        op: "monitor",
        id: randomBytes(6).toString("hex"),
        run: "run-1",
        runtimeDir: this.run,
        exitPath: this.exitPath,
        title: `tare:${this.dir}`,
      },
      { op: "stdio", flags: parts.stdio ?? 0, rows: parts.rows ?? 0, cols: parts.cols ?? 0 },
      {
        op: "log",
        format: 1,
        path: log.path ?? this.logPath,
        maxBytes: log.maxBytes ?? 0,
        maxFiles: log.maxFiles ?? 1,
        attrs: log.attrs ?? "",
      },
      { op: "clone", flags },
      ...(parts.monitor ?? []),
      ...(parts.outer ?? []),
      { op: "propagation", flags: MS_SLAVE_REC },
      ...(parts.root ?? [bindRoot]),
      ...(parts.setup ?? BASIC_MOUNTS),
      ...(((parts.stdio ?? 0) & STDIO.tty) === 0 ? [] : [{ op: "console", uid: 0, mode: 0o620 } as const]),
      { op: "pivot" },
      ...(parts.afterPivot ?? []),
      { op: "gate" },
      ...(parts.final ?? []),
      { op: "exec", candidates: ["/hello"], argv: ["hello", ...parts.argv], env: parts.env ?? ["PATH=/"] },
    ];
  }

  execPlan(
    id: string,
    container: Report,
    argv: readonly string[],
    options: Partial<Pick<PlanParts, "final" | "stdio" | "rows" | "cols" | "setup">> & {
      readonly namespaces?: number;
    } = {},
  ): LaunchPlan {
    const stdio = options.stdio ?? 0;
    return [
      { op: "monitor", id, run: "run-1", runtimeDir: this.run, exitPath: "", title: "" },
      { op: "stdio", flags: stdio, rows: options.rows ?? 0, cols: options.cols ?? 0 },
      {
        op: "join_container",
        pid: container.pid as number,
        startTime: container.startTime as number,
        namespaces: options.namespaces ?? ALL,
      },
      ...(options.setup ?? []),
      ...((stdio & STDIO.tty) === 0 ? [] : [{ op: "console", uid: 0, mode: 0o620 } as const]),
      ...(options.final ?? []),
      { op: "exec", candidates: ["/hello"], argv: ["hello", ...argv], env: [] },
    ];
  }

  launchPlan(plan: LaunchPlan, options: LaunchOptions = {}): LaunchHandle {
    const handle = this.shim.launch(plan, { deadlineMs: 20_000, ...options });
    this.#handles.push(handle);
    return handle;
  }
  launch(parts: PlanParts, options: LaunchOptions = { early: "start" }): LaunchHandle {
    return this.launchPlan(this.plan(parts), options);
  }

  /** Runs to the end: the exit report, and everything logged per stream. */
  async runToEnd(parts: PlanParts): Promise<{
    readonly exit: Report;
    readonly stdout: string;
    readonly stderr: string;
    readonly handle: LaunchHandle;
  }> {
    const handle = this.launch(parts);
    const exit = await handle.waitFor("exit");
    await handle.closed;
    return { exit, handle, stdout: this.logged("stdout"), stderr: this.logged("stderr") };
  }
  records(
    path = this.logPath,
  ): { readonly log: string; readonly stream: string; readonly time: string; readonly attrs?: unknown }[] {
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    lines.pop();
    return lines.map((line) => JSON.parse(line));
  }
  logged(stream: string): string {
    return this.records()
      .filter((record) => record.stream === stream)
      .map(({ log }) => log)
      .join("");
  }

  /** Ends what still runs (by the pids the reports gave) and removes the directory. Idempotent. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const handle of this.#handles) {
      const pids = [handle.reports.find("namespaced")?.pid, handle.monitorPid];
      for (const pid of pids) {
        if (pid === undefined || !isAlive(pid)) continue;
        try {
          sys.kill(pid, 9);
        } catch (error) {
          // it ended just now
          if ((error as { code?: unknown }).code !== "ESRCH") throw error;
        }
      }
      handle.close();
      await handle.closed;
    }
    this.shim.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Neither gone nor a zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    return false;
  }
}

/** Polls a condition that the kernel brings about without an event for us; fails loudly instead of hanging. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never happened: ${what}`);
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
