/** An engine in this process over temporary roots, with busybox loaded, for tests on a real kernel. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import {
  type AttachRequest,
  createLog,
  type Engine,
  type ExecRequest,
  type LogOptions,
  openEngine,
  resolveConfig,
} from "../../../engine/index.ts";
import { busyboxArchive, type BusyboxOptions, busyboxPath } from "../../support/busybox-image.ts";
import { cgroupsWith, isRoot } from "../../support/machine.ts";
import { createRequest } from "../../unit/engine/container/requests.ts";

export const canRun = isRoot && busyboxPath !== undefined;

export interface Machine extends AsyncDisposable {
  readonly engine: Engine;
  readonly root: string;
  /** Names under which everything of this engine is found on the machine. */
  readonly marks: readonly string[];
  readonly logged: string[];
  load(options: BusyboxOptions): Promise<void>;
  /** Creates with networkMode none; returns the id. */
  create(cmd: readonly string[], changes?: { name?: string; host?: object; config?: object }): Promise<string>;
  /** create and start */
  up(cmd: readonly string[], changes?: { name?: string; host?: object; config?: object }): Promise<string>;
  /** Runs to the end: attached output and exit code; the container is removed. */
  run(
    cmd: readonly string[],
    changes?: { host?: object; config?: object },
  ): Promise<{ output: string; exitCode: number }>;
  exec(
    ref: string,
    cmd: readonly string[],
    changes?: Partial<ExecRequest>,
  ): Promise<{ output: string; exitCode: number | null }>;
}

export const ATTACH: AttachRequest = { logs: false, stream: true, stdin: false, stdout: true, stderr: true };
export const LOGS: LogOptions = {
  follow: false,
  stdout: true,
  stderr: true,
  since: null,
  until: null,
  tail: null,
  timestamps: false,
  details: false,
};
export const EXEC: ExecRequest = {
  attachStdin: false,
  attachStdout: true,
  attachStderr: true,
  tty: false,
  cmd: [],
  env: [],
  user: "",
  workingDir: "",
  privileged: false,
  detachKeys: "",
  consoleSize: null,
};

export async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
export function unframe(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString("utf8");
}

export async function openMachine(): Promise<Machine> {
  const root = mkdtempSync(join(tmpdir(), "tare-i-"));
  const data = join(root, "data");
  const logged: string[] = [];
  const config = resolveConfig({ flags: { "data-root": data, "exec-root": join(root, "run") }, env: {}, file: null });
  const engine = await openEngine(config, { log: createLog("warn", (line) => logged.push(line)) });
  const { containers } = engine;
  const load = async (options: BusyboxOptions): Promise<void> => {
    await engine.images.load(Readable.from([(await busyboxArchive(options)).archive]));
  };
  await load({});
  const parent = `tare-${createHash("sha256").update(data).digest("hex").slice(0, 12)}`;
  const machine: Machine = {
    engine,
    root,
    marks: [basename(root), parent],
    logged,
    load,
    async create(cmd, changes = {}) {
      const { id } = await containers.create(
        createRequest({
          ...(changes.name === undefined ? {} : { name: changes.name }),
          config: { image: "busybox:latest", cmd, ...changes.config },
          host: { networkMode: "none", ...changes.host },
        }),
      );
      return id;
    },
    async up(cmd, changes) {
      const id = await machine.create(cmd, changes);
      await containers.start(id);
      return id;
    },
    async run(cmd, changes = {}) {
      const id = await machine.create(cmd, changes);
      try {
        const session = await containers.attach(id, ATTACH);
        const wait = containers.wait(id, "next-exit");
        await containers.start(id);
        const bytes = await bytesOf(session.output);
        const { exitCode } = await wait.result;
        return { output: containers.find(id).config.tty ? bytes.toString() : unframe(bytes), exitCode };
      } finally {
        await containers.remove(id, { force: true, volumes: true });
      }
    },
    async exec(ref, cmd, changes = {}) {
      const id = await containers.execCreate(ref, { ...EXEC, cmd, ...changes });
      const session = await containers.execStart(id, { detach: false, tty: false, consoleSize: null });
      const bytes = await bytesOf(session.output);
      return {
        output: changes.tty === true ? bytes.toString() : unframe(bytes),
        exitCode: containers.execInspect(id).exitCode,
      };
    },
    async [Symbol.asyncDispose]() {
      for (const { id } of containers.list())
        await containers.remove(id, { force: true, volumes: true }).catch(() => {});
      await engine.close();
      for (const dir of cgroupsWith([parent]).reverse()) rmdirSync(dir);
      rmSync(root, { recursive: true, force: true });
    },
  };
  return machine;
}
