/** cgroup v2: one directory per container. The process is cloned straight into it, so nothing ever moves. */
import { closeSync, constants, openSync } from "node:fs";
import { posix } from "node:path";
import { conflict, internal } from "../../base/errors.ts";
import { sys } from "../../../native/binding/index.ts";
import type { Resources } from "../../spec/run-spec.ts";
import type { UsageSample } from "../backend.ts";
import { applyStrictly, applyWrite, cannotEnforce } from "./apply.ts";
import type { Cgroup, Cgroups, Placement } from "./cgroup.ts";
import { deviceProgram } from "./device-program.ts";
import {
  childDirectories,
  makeDirectory,
  parseFlat,
  readControl,
  readNumber,
  readProcesses,
  removeTree,
  writeControl,
} from "./files.ts";
import { settle } from "./settle.ts";
import { allowsEverything, writesV2 } from "./translate.ts";
import { maxOrNull, parseIoStat } from "./usage.ts";
import { limitsV2, prepareChain } from "./v2-host.ts";

const FREEZE_BOUND_MS = 10_000;
const KILL_BOUND_MS = 10_000;
const REMOVE_BOUND_MS = 5_000;
const US = 1000;

class CgroupV2 implements Cgroup {
  readonly path: string;
  readonly #directory: string;

  constructor(path: string, mountPoint: string) {
    this.path = path;
    this.#directory = mountPoint + path;
  }

  get placement(): Placement {
    return { version: 2, directory: this.#directory };
  }

  update(resources: Resources): readonly string[] {
    return writesV2(resources)
      .filter((write) => !applyWrite(this.#directory, write))
      .map(cannotEnforce);
  }

  #isFrozen(): boolean {
    return parseFlat(readControl(`${this.#directory}/cgroup.events`))["frozen"] === 1;
  }
  async freeze(): Promise<void> {
    writeControl(`${this.#directory}/cgroup.freeze`, "1");
    if (await settle(() => this.#isFrozen(), FREEZE_BOUND_MS)) return;
    writeControl(`${this.#directory}/cgroup.freeze`, "0");
    throw conflict("container.freeze_timeout", `container ${posix.basename(this.path)} could not be frozen in time`);
  }
  async thaw(): Promise<void> {
    writeControl(`${this.#directory}/cgroup.freeze`, "0");
  }

  processes(): readonly number[] {
    return readProcesses(this.#directory);
  }

  async kill(): Promise<void> {
    const file = `${this.#directory}/cgroup.kill`;
    const populated = (): boolean => parseFlat(readControl(`${this.#directory}/cgroup.events`))["populated"] === 1;
    if (!populated()) return;
    if (readControl(`${this.#directory}/cgroup.type`) === null) return;
    const isEmpty = (): boolean => {
      if (!populated()) return true;
      this.#killOnce(file);
      return !populated();
    };
    if (!(await settle(isEmpty, KILL_BOUND_MS))) {
      throw internal(
        "container.kill_timeout",
        `processes of container ${posix.basename(this.path)} do not end: ${this.processes().join(" ")}`,
      );
    }
  }
  /** cgroup.kill came with 5.14. */
  #killOnce(file: string): void {
    try {
      writeControl(file, "1");
    } catch {
      for (const pid of this.processes()) {
        try {
          sys.kill(pid, 9);
        } catch {
          // ended meanwhile
        }
      }
    }
  }

  usage(): UsageSample {
    const at = (file: string): string => `${this.#directory}/${file}`;
    const cpu = parseFlat(readControl(at("cpu.stat")));
    return {
      read: new Date().toISOString(),
      cpu: {
        totalNs: (cpu["usage_usec"] ?? 0) * US,
        userNs: (cpu["user_usec"] ?? 0) * US,
        systemNs: (cpu["system_usec"] ?? 0) * US,
        periods: cpu["nr_periods"] ?? 0,
        throttledPeriods: cpu["nr_throttled"] ?? 0,
        throttledNs: (cpu["throttled_usec"] ?? 0) * US,
      },
      memory: {
        usage: readNumber(at("memory.current")) ?? 0,
        limit: maxOrNull(readControl(at("memory.max"))),
        maxUsage: readNumber(at("memory.peak")),
        failcnt: parseFlat(readControl(at("memory.events")))["max"] ?? null,
        stats: parseFlat(readControl(at("memory.stat"))),
      },
      pids: {
        current: readNumber(at("pids.current")) ?? this.processes().length,
        limit: maxOrNull(readControl(at("pids.max"))),
      },
      blkio: parseIoStat(readControl(at("io.stat"))),
    };
  }

  async remove(): Promise<void> {
    if (await settle(() => removeTree(this.#directory), REMOVE_BOUND_MS)) return;
    throw internal(
      "container.cgroup_busy",
      `cgroup ${this.#directory} cannot be removed: processes ${this.processes().join(" ")}`,
    );
  }
}

export class CgroupsV2 implements Cgroups {
  readonly version = 2;
  readonly limits: ReadonlySet<string>;
  readonly #mountPoint: string;
  readonly #parent: string;
  /** Parents whose chain is ready. */
  readonly #prepared = new Set<string>();

  constructor(mountPoint: string, parent: string) {
    this.#mountPoint = mountPoint;
    this.#parent = parent;
    this.limits = limitsV2(this.#prepare(parent));
  }

  #prepare(parent: string): string {
    if (!this.#prepared.has(parent)) prepareChain(this.#mountPoint, parent);
    this.#prepared.add(parent);
    return this.#mountPoint + parent;
  }

  create(path: string, resources: Resources): Cgroup {
    this.#prepare(posix.dirname(path));
    const directory = this.#mountPoint + path;
    makeDirectory(directory);
    try {
      for (const write of writesV2(resources)) applyStrictly(directory, write);
      if (resources.devices.length > 0 && !allowsEverything(resources.devices)) attachDevices(directory, resources);
      return new CgroupV2(path, this.#mountPoint);
    } catch (error) {
      removeTree(directory);
      throw error;
    }
  }

  open(path: string): Cgroup {
    return new CgroupV2(path, this.#mountPoint);
  }

  children(parent: string): readonly string[] {
    return childDirectories(this.#mountPoint + parent);
  }

  close(): void {
    if (childDirectories(this.#mountPoint + this.#parent).length === 0) removeTree(this.#mountPoint + this.#parent);
  }
}

/** The program lives as long as the cgroup it is attached to. */
function attachDevices(directory: string, resources: Resources): void {
  const program = sys.bpfLoadDeviceProgram(deviceProgram(resources.devices));
  try {
    const cgroup = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      sys.bpfAttach(cgroup, program);
    } finally {
      closeSync(cgroup);
    }
  } finally {
    sys.close(program);
  }
}
