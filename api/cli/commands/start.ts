import { command } from "../parse/command.ts";
import { bool, string } from "../parse/flag.ts";
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { explain } from "../explain.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../session/detach-keys.ts";
import { attachStreams, runAttached, startFailureStatus } from "../session/run.ts";
import { checkTerminal, runSession } from "../session/stream.ts";
import { followSize, proxySignals, redraw, resizeContainer } from "../session/terminal.ts";
import { withoutSlash } from "./shared.ts";

const startOne = (context: Context, id: string) =>
  context.client.call("POST /containers/{id}/start", { path: { id: withoutSlash(id) } });

async function startMany(context: Context, names: readonly string[]): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await startOne(context, name);
      await context.stdout.write(`${name}\n`);
    } catch (error) {
      await context.stderr.write(`${explain(error).text}\n`);
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new StatusError(1, `Error: failed to start containers: ${failed.join(", ")}`);
  return 0;
}

interface AttachFlags {
  readonly attach: boolean;
  readonly interactive: boolean;
  readonly "detach-keys": string;
}

async function startAttached(context: Context, flags: AttachFlags, given: string): Promise<number> {
  const found = await context.client.call("GET /containers/{id}/json", { path: { id: withoutSlash(given) } });
  const { Config, HostConfig, Id: id } = found;
  const stdin = flags.interactive && Config.OpenStdin;
  checkTerminal(context, stdin, Config.Tty);
  const plan = {
    stdin,
    stdout: true,
    stderr: true,
    tty: Config.Tty,
    detachKeysText: flags["detach-keys"],
    detachKeys: parseDetachKeys(flags["detach-keys"]),
    autoRemove: HostConfig.AutoRemove,
    sigProxy: !Config.Tty,
  };
  const start = async () => {
    await startOne(context, id);
  };
  try {
    return await runAttached(context, { id, start, mark: () => undefined }, plan);
  } catch (error) {
    const { text } = explain(error);
    const status = startFailureStatus(text);
    throw new StatusError(status === 125 ? 1 : status, `${text}\nError: failed to start containers: ${given}`, {
      cause: error,
    });
  }
}

export const start = command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Start one or more stopped containers",
  flags: {
    attach: bool("Attach STDOUT/STDERR and forward signals", { short: "a" }),
    "detach-keys": string("Override the key sequence for detaching a container"),
    interactive: bool("Attach container's STDIN", { short: "i" }),
  },
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  complete: ["container"],
  run: async ({ context, flags, args }) => {
    if (!flags.attach && !flags.interactive) return startMany(context, args);
    if (args.length > 1) throw new StatusError(1, "you cannot start and attach multiple containers at once");
    return startAttached(context, flags, args[0] ?? "");
  },
});

interface Attachable {
  readonly State: { readonly Running: boolean; readonly Paused: boolean; readonly Restarting: boolean };
}

function checkAttachable({ State }: Attachable): void {
  if (!State.Running) throw new StatusError(1, "cannot attach to a stopped container, start it first");
  if (State.Paused) throw new StatusError(1, "cannot attach to a paused container, unpause it first");
  if (State.Restarting) throw new StatusError(1, "cannot attach to a restarting container, wait until it is running");
}

export const attach = command({
  synopsis: "[OPTIONS] CONTAINER",
  summary: "Attach local standard input, output, and error streams to a running container",
  flags: {
    "detach-keys": string(`Override the key sequence for detaching a container (${DEFAULT_DETACH_KEYS})`),
    "no-stdin": bool("Do not attach STDIN"),
    "sig-proxy": bool("Proxy all received signals to the process", { initial: true, shown: "true" }),
  },
  args: { min: 1, max: 1 },
  complete: ["running", "none"],
  run: async ({ context, flags, args }) => {
    const id = withoutSlash(args[0] ?? "");
    const found = await context.client.call("GET /containers/{id}/json", { path: { id } });
    checkAttachable(found);
    const { Config } = found;
    const stdin = !flags["no-stdin"] && Config.OpenStdin;
    checkTerminal(context, stdin, Config.Tty);
    const detachKeysText = flags["detach-keys"];
    const plan = {
      stdin,
      stdout: true,
      stderr: true,
      tty: Config.Tty,
      detachKeysText,
      detachKeys: parseDetachKeys(detachKeysText),
      autoRemove: false,
      sigProxy: false,
    };
    const waiting = await context.client.begin("POST /containers/{id}/wait", { path: { id } });
    waiting.value.catch(() => undefined);
    const duplex = await attachStreams(context, id, plan);
    const proxy = flags["sig-proxy"] && !Config.Tty ? proxySignals(context, id) : null;
    proxy?.ready();
    const resize = resizeContainer(context, id);
    if (Config.Tty) await redraw(context, resize);
    const unfollow = Config.Tty && context.stdout.isTerminal ? followSize(context, resize) : null;
    try {
      // docker's words and status
      if ((await runSession(context, duplex, plan)) === "detached") throw new StatusError(1, "read escape sequence");
      const { StatusCode, Error: failure } = await waiting.value;
      if (failure !== undefined && failure.Message !== "") throw new StatusError(1, failure.Message);
      return StatusCode;
    } finally {
      unfollow?.();
      proxy?.stop();
    }
  },
});
