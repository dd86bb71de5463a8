import { compileBody, type CreateBody, type Flags } from "../create/body.ts";
import { CONTAINER_FLAGS } from "../create/flags.ts";
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { command, type Invocation } from "../parse/command.ts";
import { bool, string } from "../parse/flag.ts";
import { explain } from "../explain.ts";
import { parseDetachKeys } from "../session/detach-keys.ts";
import { createContainer, type CreateRequest, type Mark, runAttached, startFailureStatus } from "../session/run.ts";
import { checkTerminal } from "../session/stream.ts";
import { printTimings, Stopwatch } from "../session/timings.ts";

const RUN_FLAGS = {
  ...CONTAINER_FLAGS,
  detach: bool("Run container in background and print container ID", { short: "d" }),
  "detach-keys": string("Override the key sequence for detaching a container"),
  "sig-proxy": bool("Proxy received signals to the process", { initial: true, shown: "true" }),
  timings: bool("Print how long each phase took, to stderr"),
};

type RunInvocation = Invocation<typeof RUN_FLAGS>;

/** docker's form: the program's name before the error, a pointer to the help after it. */
export async function failing<T>(
  name: string,
  program: string,
  status: (message: string) => number,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { text, status: given } = explain(error);
    if (error instanceof StatusError && error.status !== 125) throw error;
    const code = error instanceof StatusError ? given : status(text);
    throw new StatusError(code, `${program}: ${text}\n\nRun '${name} --help' for more information`, { cause: error });
  }
}

const createRequest = (flags: Flags, image: string, body: CreateBody): CreateRequest => ({
  body,
  image,
  name: flags.name,
  platform: flags.platform,
  pull: flags.pull,
  quiet: flags.quiet,
  cidfile: flags.cidfile,
});

const consoleSize = (context: Context): readonly [number, number] => {
  const size = context.stdout.size();
  return size === null ? [0, 0] : [size.rows, size.columns];
};

function bodyOf(invocation: Invocation<typeof CONTAINER_FLAGS>, detached: boolean): CreateBody {
  const { flags, changed, args, context } = invocation;
  const [image = "", ...words] = args;
  const { env, files } = context;
  return compileBody({
    flags,
    changed,
    image,
    command: words,
    env,
    files,
    detached,
    consoleSize: consoleSize(context),
  });
}

export const create = command({
  synopsis: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create a new container",
  flags: CONTAINER_FLAGS,
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  interspersed: false,
  complete: ["image", "none"],
  run: async (invocation) => {
    const { context, flags, args, name } = invocation;
    const id = await failing(
      name,
      context.program,
      () => 125,
      async () => createContainer(context, createRequest(flags, args[0] ?? "", bodyOf(invocation, false))),
    );
    await context.stdout.write(`${id}\n`);
    return 0;
  },
});

async function runDetached(
  { context, name }: RunInvocation,
  id: string,
  start: () => Promise<void>,
  mark: Mark,
): Promise<number> {
  await failing(name, context.program, startFailureStatus, start);
  mark("start");
  await context.stdout.write(`${id}\n`);
  return 0;
}

async function runCommand(invocation: RunInvocation): Promise<number> {
  const { context, flags, args, name } = invocation;
  const { detach } = flags;
  if (detach && flags.attach.length > 0)
    throw new StatusError(1, "conflicting options: cannot specify both --attach and --detach");
  const watch = new Stopwatch(context.clock, flags.timings);
  const prepared = await failing(
    name,
    context.program,
    () => 125,
    async () => {
      const body = bodyOf(invocation, detach);
      if (!detach) checkTerminal(context, body.AttachStdin === true, flags.tty);
      const detachKeys = parseDetachKeys(flags["detach-keys"]);
      watch.mark("command line");
      const id = await createContainer(context, createRequest(flags, args[0] ?? "", body));
      watch.mark("create");
      return { body, detachKeys, id };
    },
  );
  const { id, body, detachKeys } = prepared;
  let daemonPhases: Promise<void> | undefined;
  const start = async () => {
    await context.client.call("POST /containers/{id}/start", { path: { id } });
    if (flags.timings) daemonPhases = watch.askDaemon(context, id);
  };
  const mark: Mark = (phase) => watch.mark(phase);
  let status: number;
  if (detach) status = await runDetached(invocation, id, start, mark);
  else {
    const plan = {
      stdin: body.AttachStdin === true,
      stdout: body.AttachStdout === true,
      stderr: body.AttachStderr === true,
      tty: flags.tty,
      detachKeysText: flags["detach-keys"],
      detachKeys,
      autoRemove: flags.rm,
      sigProxy: flags["sig-proxy"],
    };
    status = await failing(name, context.program, startFailureStatus, () =>
      runAttached(context, { id, start, mark }, plan),
    );
  }
  if (flags.timings) {
    await daemonPhases;
    await printTimings(context, watch);
  }
  return status;
}

export const run = command({
  synopsis: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create and run a new container from an image",
  flags: RUN_FLAGS,
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  interspersed: false,
  complete: ["image", "none"],
  examples: [
    ["run --rm busybox echo hi", "run a command and forget the container"],
    ["run -it --rm busybox sh", "a shell in a terminal"],
    ["run -d --name web -m 64m busybox sleep 1000", "in the background, with a memory limit"],
    ["run --rm --timings busybox true", "see where the time goes"],
  ],
  run: runCommand,
});
