/**
 * Follows one run through its monitor's reports: how it ended, what happened on the way, and how its execs ended. The
 * first end that is known wins; a monitor that vanishes without a word is an end too, decided by `onLost`.
 */
import { errnoName, type Report, type ReportLog } from "../../../native/binding/index.ts";
import type { Exit, SandboxEvent } from "../backend.ts";
import { toExit } from "./exit.ts";

export interface Link {
  readonly reports: ReportLog;
  readonly closed: Promise<void>;
  close(): void;
}

export class RunWatch {
  readonly exited: Promise<Exit>;
  #resolve: (exit: Exit) => void = () => {};
  #exit: Exit | null = null;
  #link: Link | null = null;
  #detached = false;
  readonly #listeners: ((event: SandboxEvent) => void)[] = [];
  readonly #execs = new Map<string, (exit: Exit) => void>();

  constructor() {
    this.exited = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get exit(): Exit | null {
    return this.#exit;
  }

  onEvent(listener: (event: SandboxEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** How an exec ends, whoever is attached to it. */
  execEnd(id: string): Promise<Exit> {
    return new Promise((resolve) => this.#execs.set(id, resolve));
  }
  forgetExec(id: string): void {
    this.#execs.delete(id);
  }

  settle(exit: Exit): void {
    if (this.#exit !== null) return;
    this.#exit = exit;
    this.#resolve(exit);
    for (const resolve of this.#execs.values()) resolve({ ...exit, reason: exit.reason || "the container ended" });
    this.#execs.clear();
  }

  /** onLost: called when the connection ends without an exit; its answer is the end. */
  follow(link: Link, onLost: () => Promise<Exit>): void {
    this.#link = link;
    void this.#read(link, onLost);
  }

  async #read(link: Link, onLost: () => Promise<Exit>): Promise<void> {
    for await (const report of link.reports) this.#take(report);
    if (this.#exit === null && !this.#detached) this.settle(await onLost());
  }

  #take(report: Report): void {
    if (report.at === "exit" && report.exec === undefined) this.settle(toExit(report));
    else if (report.at === "exit") {
      this.#execs.get(report.exec as string)?.(toExit(report));
      this.#execs.delete(report.exec as string);
    } else if (report.at === "oom") this.#tell({ type: "oom" });
    else if (report.at === "log_error")
      this.#tell({ type: "log_error", errno: errnoName(report.errno ?? 0), dropped: report.dropped ?? 0 });
  }
  #tell(event: SandboxEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** The daemon goes; the run does not. */
  detach(): void {
    this.#detached = true;
    this.#link?.close();
  }
  close(): void {
    this.#link?.close();
  }
}
