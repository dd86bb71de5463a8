/**
 * An engine without an API in a process of its own, so that tests can kill it at any moment. One JSON command per line on
 * stdin, one JSON answer per line on stdout: { id, verb, args } → { id, result } or { id, error, kind, code }.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createLog, openEngine, resolveConfig, TareError } from "../../engine/index.ts";
import type { ExecRequest } from "../../engine/index.ts";
import { createRequest } from "../unit/engine/container/requests.ts";

const [dataRoot = "", execRoot = ""] = process.argv.slice(2);
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const log = createLog("warn", (line) => process.stderr.write(line));
const engine = await openEngine(
  resolveConfig({ flags: { "data-root": dataRoot, "exec-root": execRoot }, env: {}, file: null }),
  { log },
);
const { containers } = engine;

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

const EXEC: ExecRequest = {
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
const ALL = { stdout: true, stderr: true, since: null, until: null, tail: null, timestamps: false, details: false };
const STOP = { signal: null, timeoutSeconds: 5 };

type Verb = (...args: never[]) => unknown;
const VERBS: Readonly<Record<string, Verb>> = {
  load: (path: string) => engine.images.load(createReadStream(path)),
  images: () => engine.images.list().map(({ id, repoTags }) => ({ id, repoTags })),
  create: (changes: Parameters<typeof createRequest>[0]) => containers.create(createRequest(changes)),
  start: (ref: string) => containers.start(ref),
  stop: (ref: string) => containers.stop(ref, STOP),
  restart: (ref: string) => containers.restart(ref, STOP),
  kill: (ref: string, signal: string) => containers.kill(ref, signal),
  remove: (ref: string, force = false) => containers.remove(ref, { force, volumes: true }),
  wait: (ref: string) => containers.wait(ref, "not-running").result,
  next: (ref: string) => containers.wait(ref, "next-exit").result,
  find: (ref: string) => {
    const { id, name, state, restartCount, phases } = containers.find(ref);
    return { id, name, state, restartCount, phases: phases.map(({ name: phase }) => phase) };
  },
  list: () => containers.list().map(({ id, name, state }) => ({ id, name, status: state.status })),
  logs: async (ref: string, changes = {}) => textOf(containers.logs(ref, { ...ALL, follow: false, ...changes })),
  attach: async (ref: string) => {
    const session = await containers.attach(ref, {
      logs: false,
      stream: true,
      stdin: false,
      stdout: true,
      stderr: true,
    });
    await containers.start(ref);
    return textOf(session.output);
  },
  exec: async (ref: string, cmd: string[]) => {
    const id = await containers.execCreate(ref, { ...EXEC, cmd });
    const session = await containers.execStart(id, { detach: false, tty: false, consoleSize: null });
    const output = await textOf(session.output);
    return { output, exitCode: containers.execInspect(id).exitCode };
  },
  events: () => engine.events.recent().map(({ action, actorId }) => `${action} ${actorId.slice(0, 12)}`),
  ready: () => engine.readyMs,
  close: async () => {
    await engine.close();
    process.exit(0);
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, verb, args } = JSON.parse(line) as { id: number; verb: string; args: never[] };
  void Promise.resolve()
    .then(() => VERBS[verb]?.(...args))
    .then(
      (result) => say({ id, result: result ?? null }),
      (error: unknown) => {
        const { kind, code } = error instanceof TareError ? error : { kind: "bug", code: "" };
        say({ id, error: error instanceof Error ? error.message : String(error), kind, code });
      },
    );
});
say({ id: 0, result: "ready" });
