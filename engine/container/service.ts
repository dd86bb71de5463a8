/** The container half of the engine's door: looks a container up and hands it to the verb. */
import type { Readable } from "node:stream";
import { conflict, isKind } from "../base/errors.ts";
import type { StreamSession, UsageSample } from "../isolation/backend.ts";
import type { CreateRequest, ExecRequest } from "../spec/config.ts";
import type {
  AttachRequest,
  ContainerService,
  ContainerSnapshot,
  ExecSnapshot,
  LogOptions,
  WaitCondition,
  WaitResult,
} from "../types.ts";
import { attachContainer } from "./attach.ts";
import { type Changes, renameContainer, resizeContainer, updateContainer } from "./change.ts";
import type { Container } from "./container.ts";
import type { Context, FollowUps } from "./context.ts";
import { createContainer, type Created } from "./create.ts";
import { createExec, type ExecStart, resizeExec, startExec } from "./exec.ts";
import { ImageConfigs } from "./image-configs.ts";
import { openLogs } from "./logs.ts";
import { pauseContainer, unpauseContainer } from "./pause.ts";
import { publish } from "./publish.ts";
import { pruneContainers, type Pruned, removeContainer, type RemoveOptions } from "./remove.ts";
import { startContainer } from "./start.ts";
import { exitCodeOf, isRunning } from "./state.ts";
import { killContainer, restartContainer, type StopOptions, stopContainer } from "./stop.ts";
import { type ProcessTable, processTable } from "./top.ts";

/** The follow-ups of exits and failed starts; the context is given late because it holds them. */
export const followUpsOf = (context: () => Context): FollowUps => ({
  async restart(container) {
    try {
      await startContainer(context(), container, { manual: false });
    } catch (error) {
      context().log.warn("restart failed", { container: container.id, error });
    }
  },
  async autoRemove(container) {
    try {
      await removeContainer(context(), container, { force: false, volumes: true });
    } catch (error) {
      // Another request removes it, or started it again.
      if (!isKind(error, "conflict")) throw error;
    }
  },
});

export class Containers implements ContainerService {
  readonly #context: Context;
  readonly #imageConfigs: ImageConfigs;
  #isPruning = false;

  constructor(context: Context) {
    this.#context = context;
    this.#imageConfigs = new ImageConfigs(context.images);
  }

  #at(ref: string): Container {
    return this.#context.catalog.find(ref);
  }

  list(): readonly ContainerSnapshot[] {
    return this.#context.catalog.all().map((container) => container.snapshot);
  }
  find(ref: string): ContainerSnapshot {
    return this.#at(ref).snapshot;
  }

  create(request: CreateRequest): Promise<Created> {
    return createContainer(this.#context, this.#imageConfigs, request);
  }
  async start(ref: string): Promise<void> {
    await startContainer(this.#context, this.#at(ref), { manual: true });
  }
  async stop(ref: string, options: StopOptions): Promise<void> {
    await stopContainer(this.#context, this.#at(ref), options);
  }
  async restart(ref: string, options: StopOptions): Promise<void> {
    await restartContainer(this.#context, this.#at(ref), options);
  }
  async kill(ref: string, signal: string): Promise<void> {
    await killContainer(this.#context, this.#at(ref), signal);
  }
  async pause(ref: string): Promise<void> {
    await pauseContainer(this.#context, this.#at(ref));
  }
  async unpause(ref: string): Promise<void> {
    await unpauseContainer(this.#context, this.#at(ref));
  }
  async rename(ref: string, name: string): Promise<void> {
    await renameContainer(this.#context, this.#at(ref), name);
  }
  async update(ref: string, changes: Changes): Promise<readonly string[]> {
    return updateContainer(this.#context, this.#at(ref), changes);
  }
  async remove(ref: string, options: RemoveOptions): Promise<void> {
    await removeContainer(this.#context, this.#at(ref), options);
  }

  async prune(match: (container: ContainerSnapshot) => boolean): Promise<Pruned> {
    if (this.#isPruning) throw conflict("container.prune_running", "a prune operation is already running");
    this.#isPruning = true;
    try {
      const idle = this.#context.catalog
        .all()
        .filter(({ state }) => ["created", "exited", "dead"].includes(state.status));
      return await pruneContainers(
        this.#context,
        idle.filter((container) => match(container.snapshot)),
      );
    } finally {
      this.#isPruning = false;
    }
  }

  wait(ref: string, condition: WaitCondition, signal?: AbortSignal): { readonly result: Promise<WaitResult> } {
    const container = this.#at(ref);
    const { state } = container;
    const isDown = !isRunning(state) && state.status !== "restarting";
    if (condition === "not-running" && isDown) {
      return { result: Promise.resolve({ exitCode: exitCodeOf(state), error: null }) };
    }
    return { result: container.waiters.add(condition, signal) };
  }

  async attach(ref: string, request: AttachRequest, signal?: AbortSignal): Promise<StreamSession> {
    return attachContainer(this.#context, this.#at(ref), request, signal);
  }
  async resize(ref: string, rows: number, columns: number): Promise<void> {
    await resizeContainer(this.#context, this.#at(ref), rows, columns);
  }
  logs(ref: string, options: LogOptions, signal?: AbortSignal): Readable {
    return openLogs(this.#at(ref), options, signal);
  }

  async top(ref: string, psArgs: string): Promise<ProcessTable> {
    const container = this.#at(ref);
    if (isRunning(container.state) && container.run === null) await container.lane.settled();
    const { id, run, state } = container;
    if (state.status === "restarting") {
      throw conflict("container.restarting", `Container ${id} is restarting, wait until the container is running`);
    }
    if (!isRunning(state) || run === null) throw conflict("container.not_running", `container ${id} is not running`);
    const table = processTable(await run.sandbox.processes(), psArgs, this.#context.view.memoryBytes);
    publish(this.#context, container, "top", {});
    return table;
  }

  async usage(ref: string): Promise<UsageSample | null> {
    const container = this.#at(ref);
    if (isRunning(container.state) && container.run === null) await container.lane.settled();
    const { run, state } = container;
    return run === null || !isRunning(state) ? null : run.sandbox.usage();
  }
  async size(ref: string): Promise<{ readonly sizeRw: number; readonly sizeRootFs: number }> {
    const { id, record } = this.#at(ref);
    const sizeRw = await this.#context.snapshots.usage(id);
    return { sizeRw, sizeRootFs: sizeRw + this.#imageSize(record.imageId) };
  }
  /** 0 for an image that was deleted by force while the container kept its layers. */
  #imageSize(imageId: string): number {
    try {
      return this.#context.images.resolve(imageId).size;
    } catch {
      return 0;
    }
  }

  async execCreate(ref: string, request: ExecRequest): Promise<string> {
    return createExec(this.#context, this.#at(ref), request);
  }
  async execStart(execId: string, options: ExecStart): Promise<StreamSession> {
    return startExec(this.#context, this.#context.execs.find(execId), options);
  }
  async execResize(execId: string, rows: number, columns: number): Promise<void> {
    await resizeExec(this.#context, this.#context.execs.find(execId), rows, columns);
  }
  execInspect(execId: string): ExecSnapshot {
    return this.#context.execs.find(execId).snapshot;
  }
}
