/**
 * cgroup v1: one directory per hierarchy. Only hierarchies that matter to a container get one, because each costs some
 * 40 µs of start and as much of teardown: memory (accounting, OOM), freezer (membership, pause, kill), cpuacct (usage), and
 * those that a limit needs. The default device list lives in one shared cgroup that all ordinary containers join.
 */
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { conflict, errnoCode, internal } from "../../base/errors.ts";
import { sys } from "../../../native/binding/index.ts";
import { DEFAULT_DEVICE_RULES } from "../../spec/defaults.ts";
import type { Resources } from "../../spec/run-spec.ts";
import type { UsageSample } from "../backend.ts";
import { applyStrictly, applyWrite, cannotEnforce } from "./apply.ts";
import type { Cgroup, CgroupMount, Cgroups, Placement } from "./cgroup.ts";
import {
  childDirectories,
  isGone,
  makeDirectory,
  parseFlat,
  readControl,
  readNumber,
  readProcesses,
  removeTree,
  writeControl,
} from "./files.ts";
import type { Hierarchies } from "./hierarchies.ts";
import { inheritCpuset, limitsV1 } from "./v1-host.ts";
import { settle } from "./settle.ts";
import { allowsEverything, deviceWritesV1, type Write, writesV1 } from "./translate.ts";
import { limitOrNull, parseBlkioV1 } from "./usage.ts";

const ALWAYS = ["freezer", "memory", "cpuacct"] as const;
const DEFAULT_DEVICES = "default-devices";
const FREEZE_BOUND_MS = 10_000;
const KILL_BOUND_MS = 10_000;
const REMOVE_BOUND_MS = 5_000;
const SIGKILL = 9;
const USER_HZ_NS = 10_000_000;

const rulesText = (writes: readonly Write[]): string =>
  writes.map(({ files, value }) => `${files[0]} ${value}`).join("\n");
const DEFAULT_DEVICE_WRITES = deviceWritesV1(DEFAULT_DEVICE_RULES);
const DEFAULT_DEVICE_TEXT = rulesText(DEFAULT_DEVICE_WRITES);

class CgroupV1 implements Cgroup {
  readonly path: string;
  readonly #host: CgroupsV1;
  #tasks: readonly string[];
  /** All of its directories; null when somebody else made them. */
  #made: readonly string[] | null;

  /** tasks: the files a process writes itself into to be in this container. */
  constructor(path: string, host: CgroupsV1, tasks: readonly string[], made: readonly string[] | null) {
    this.path = path;
    this.#host = host;
    this.#tasks = tasks;
    this.#made = made;
  }

  #directory(controller: string): string | undefined {
    const mountPoint = this.#host.hierarchies.v1.get(controller);
    return mountPoint === undefined ? undefined : mountPoint + this.path;
  }
  /** Distinct directories that may be ours; several controllers can share one mount. */
  #directories(): readonly string[] {
    return this.#made ?? [...new Set(this.#host.hierarchies.v1.values())].map((mountPoint) => mountPoint + this.path);
  }

  get placement(): Placement {
    const own = this.#tasks.map((file) => posix.dirname(file)).filter((directory) => directory.endsWith(this.path));
    return {
      version: 1,
      tasks: this.#tasks,
      oomDirectory: this.#directory("memory") ?? "",
      mounts: own.map((directory) => this.#host.mountOf(directory)),
    };
  }

  /** Makes a hierarchy's directory for a limit that came later, and moves the container's processes there. */
  #extend(controller: string): string | undefined {
    const directory = this.#directory(controller);
    if (directory === undefined || readControl(`${directory}/tasks`) !== null) return directory;
    this.#host.makeChain(controller, this.path);
    for (const pid of this.processes()) {
      try {
        writeControl(`${directory}/cgroup.procs`, String(pid));
      } catch (error) {
        if (errnoCode(error) !== "ESRCH") throw error;
      }
    }
    this.#tasks = [...this.#tasks, `${directory}/tasks`];
    if (this.#made !== null) this.#made = [...this.#made, directory];
    return directory;
  }

  update(resources: Resources): readonly string[] {
    const sum = readNumber(`${this.#directory("memory")}/memory.memsw.limit_in_bytes`);
    const warnings: string[] = [];
    for (const write of writesV1(resources, sum)) {
      const directory = this.#extend(write.controller);
      if (directory === undefined || !applyWrite(directory, write)) warnings.push(cannotEnforce(write));
    }
    return [...new Set(warnings)];
  }

  #freezer(): string {
    const directory = this.#directory("freezer");
    if (directory === undefined)
      throw conflict("container.no_freezer", "cannot pause: this host has no freezer cgroup");
    return directory;
  }
  async freeze(): Promise<void> {
    const file = `${this.#freezer()}/freezer.state`;
    // A task that forks while it is being frozen can keep the state at FREEZING: writing again makes the kernel look again.
    const frozen = await settle(() => {
      writeControl(file, "FROZEN");
      return readControl(file) === "FROZEN";
    }, FREEZE_BOUND_MS);
    if (frozen) return;
    writeControl(file, "THAWED");
    throw internal("container.freeze_timeout", `container ${posix.basename(this.path)} could not be frozen in time`);
  }
  async thaw(): Promise<void> {
    writeControl(`${this.#freezer()}/freezer.state`, "THAWED");
  }

  processes(): readonly number[] {
    return readProcesses(this.#directory("freezer") ?? this.#directory("memory") ?? "/nonexistent");
  }

  /** v1 has no kill file: signal what is listed until nothing is. A frozen process dies only when it is thawed. */
  async kill(): Promise<void> {
    const state = `${this.#directory("freezer")}/freezer.state`;
    const isEmpty = (): boolean => {
      const pids = this.processes();
      for (const pid of pids) {
        try {
          sys.kill(pid, SIGKILL);
        } catch (error) {
          if (errnoCode(error) !== "ESRCH") throw error;
        }
      }
      if (pids.length > 0 && (readControl(state) ?? "THAWED") !== "THAWED") writeControl(state, "THAWED");
      return pids.length === 0;
    };
    if (!(await settle(isEmpty, KILL_BOUND_MS))) {
      throw internal(
        "container.kill_timeout",
        `processes of container ${posix.basename(this.path)} do not end: ${this.processes().join(" ")}`,
      );
    }
  }

  usage(): UsageSample {
    const [memory, cpu, cpuacct] = [this.#directory("memory"), this.#directory("cpu"), this.#directory("cpuacct")];
    const ticks = parseFlat(readControl(`${cpuacct}/cpuacct.stat`));
    const stat = parseFlat(readControl(`${cpu}/cpu.stat`));
    const pids = this.#directory("pids");
    return {
      read: new Date().toISOString(),
      cpu: {
        totalNs: readNumber(`${cpuacct}/cpuacct.usage`) ?? 0,
        userNs: (ticks["user"] ?? 0) * USER_HZ_NS,
        systemNs: (ticks["system"] ?? 0) * USER_HZ_NS,
        periods: stat["nr_periods"] ?? 0,
        throttledPeriods: stat["nr_throttled"] ?? 0,
        throttledNs: stat["throttled_time"] ?? 0,
      },
      memory: {
        usage: readNumber(`${memory}/memory.usage_in_bytes`) ?? 0,
        limit: limitOrNull(readNumber(`${memory}/memory.limit_in_bytes`)),
        maxUsage: readNumber(`${memory}/memory.max_usage_in_bytes`),
        failcnt: readNumber(`${memory}/memory.failcnt`),
        stats: parseFlat(readControl(`${memory}/memory.stat`)),
      },
      pids: {
        current: readNumber(`${pids}/pids.current`) ?? this.processes().length,
        limit: readNumber(`${pids}/pids.max`),
      },
      blkio: parseBlkioV1(readControl(`${this.#directory("blkio")}/blkio.throttle.io_service_bytes_recursive`)),
    };
  }

  async remove(): Promise<void> {
    let left = this.#directories();
    const isRemoved = (): boolean => {
      left = left.filter((directory) => !removeTree(directory));
      return left.length === 0;
    };
    if (!(await settle(isRemoved, REMOVE_BOUND_MS))) {
      throw internal(
        "container.cgroup_busy",
        `cgroup ${left.join(", ")} cannot be removed: processes ${this.processes().join(" ")}`,
      );
    }
  }
}

export class CgroupsV1 implements Cgroups {
  readonly version = 1;
  readonly limits: ReadonlySet<string>;
  readonly hierarchies: Hierarchies;
  readonly #parent: string;

  /** parent: this daemon's own ("/tare"); made here in every hierarchy, so that create has one mkdir per hierarchy. */
  constructor(hierarchies: Hierarchies, parent: string) {
    this.hierarchies = hierarchies;
    this.#parent = parent;
    for (const controller of hierarchies.v1.keys()) this.makeChain(controller, parent);
    this.limits = limitsV1(hierarchies, parent);
    this.#makeDefaultDevices();
  }

  /** The directory and those above it, cpusets filled from above: a process cannot join an empty one. */
  makeChain(controller: string, path: string): string {
    const mountPoint = this.hierarchies.v1.get(controller) as string;
    if (makeOrMissing(mountPoint + path)) {
      if (controller === "cpuset") inheritCpuset(mountPoint + path);
      return mountPoint + path;
    }
    let directory = mountPoint;
    for (const name of path.split("/").filter((part) => part !== "")) {
      directory += `/${name}`;
      if (makeDirectory(directory) && controller === "cpuset") inheritCpuset(directory);
    }
    return directory;
  }

  /** Containers of an earlier daemon may be in it: once it is restricted it is only added to, never denied everything again. */
  #makeDefaultDevices(): void {
    if (!this.hierarchies.v1.has("devices")) return;
    const directory = this.makeChain("devices", `${this.#parent}/${DEFAULT_DEVICES}`);
    const isNew = readControl(`${directory}/devices.list`)?.startsWith("a ") ?? true;
    for (const write of DEFAULT_DEVICE_WRITES)
      if (isNew || write.files[0] === "devices.allow") applyStrictly(directory, write);
  }
  /** Containers below another parent (CgroupParent) have a list of their own. */
  sharedDeviceTasks(path: string): readonly string[] {
    const mountPoint = this.hierarchies.v1.get("devices");
    return mountPoint === undefined || posix.dirname(path) !== this.#parent
      ? []
      : [`${mountPoint}${this.#parent}/${DEFAULT_DEVICES}/tasks`];
  }

  mountOf(directory: string): CgroupMount {
    const names = [...this.hierarchies.v1]
      .filter(([, mountPoint]) => directory.startsWith(`${mountPoint}/`))
      .map(([name]) => name);
    const name = names.join(",");
    return { source: directory, name, aliases: names.length > 1 ? names : [] };
  }

  create(path: string, resources: Resources): Cgroup {
    const made: string[] = [];
    try {
      return new CgroupV1(path, this, this.#fill(path, resources, made), [...new Set(made)]);
    } catch (error) {
      for (const directory of made) removeTree(directory);
      throw error;
    }
  }

  #fill(path: string, resources: Resources, made: string[]): readonly string[] {
    const writes = writesV1(resources);
    const deviceWrites = deviceWritesV1(resources.devices);
    const ownDevices = !allowsEverything(resources.devices) && resources.devices.length > 0;
    const shared = ownDevices && rulesText(deviceWrites) === DEFAULT_DEVICE_TEXT ? this.sharedDeviceTasks(path) : [];
    // empty cgroups may be tidied away by others; this one is missed only when the next container wants it
    if (shared.some((file) => !existsSync(file))) this.#makeDefaultDevices();
    const all = ownDevices && shared.length === 0 ? [...writes, ...deviceWrites] : writes;
    const wanted = new Set<string>([...ALWAYS, ...all.map(({ controller }) => controller)]);
    const directories = new Map<string, string>();
    for (const controller of wanted) {
      if (!this.hierarchies.v1.has(controller)) continue;
      const directory = this.makeChain(controller, path);
      directories.set(controller, directory);
      made.push(directory);
    }
    for (const write of all) applyStrictly(directories.get(write.controller) ?? "/nonexistent", write);
    return [...[...new Set(directories.values())].map((directory) => `${directory}/tasks`), ...shared];
  }

  open(path: string, pid: number): Cgroup {
    return new CgroupV1(path, this, this.#tasksOf(path, pid), null);
  }

  /** Where the kernel says the container's first process is: its own directories and the shared device list. */
  #tasksOf(path: string, pid: number): readonly string[] {
    const shared = `${this.#parent}/${DEFAULT_DEVICES}`;
    return (readControl(`/proc/${pid}/cgroup`) ?? "").split("\n").flatMap((line) => {
      const [, controllers = "", ...rest] = line.split(":");
      const mountPoint = this.hierarchies.v1.get(controllers.split(",")[0] ?? "");
      const place = [path, shared].find((known) => rest.join(":").endsWith(known));
      return mountPoint === undefined || place === undefined ? [] : [`${mountPoint}${place}/tasks`];
    });
  }

  children(parent: string): readonly string[] {
    const names = [...this.hierarchies.v1.values()].flatMap((mountPoint) => childDirectories(mountPoint + parent));
    return [...new Set(names)].filter((name) => name !== DEFAULT_DEVICES);
  }

  close(): void {
    for (const mountPoint of new Set(this.hierarchies.v1.values())) {
      if (childDirectories(mountPoint + this.#parent).some((name) => name !== DEFAULT_DEVICES)) continue;
      removeTree(mountPoint + this.#parent);
    }
  }
}

/** true when the directory exists now; false when one above it is missing. */
function makeOrMissing(path: string): boolean {
  try {
    makeDirectory(path);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
