import { command, type Invocation } from "../parse/command.ts";
import { bool, list, listOf, string } from "../parse/flag.ts";
import type { Context } from "../context.ts";
import { compileEnvironment, environmentVariable } from "../create/environment.ts";
import { StatusError } from "../errors.ts";
import { parseDetachKeys } from "../session/detach-keys.ts";
import { checkTerminal, runSession } from "../session/stream.ts";
import { followSize, type Resize } from "../session/terminal.ts";
import { withoutSlash } from "./shared.ts";

const FLAGS = {
  detach: bool("Detached mode: run command in the background", { short: "d" }),
  "detach-keys": string("Override the key sequence for detaching a container"),
  env: listOf("Set environment variables", "list", environmentVariable, { short: "e" }),
  "env-file": list("Read in a file of environment variables", { complete: "file" }),
  interactive: bool("Keep STDIN open even if not attached", { short: "i" }),
  privileged: bool("Give extended privileges to the command"),
  tty: bool("Allocate a pseudo-TTY", { short: "t" }),
  user: string('Username or UID (format: "<name|uid>[:<group|gid>]")', { short: "u" }),
  workdir: string("Working directory inside the container", { short: "w" }),
};

function bodyOf({ flags, args, context }: Invocation<typeof FLAGS>, size: readonly [number, number] | null) {
  const env = compileEnvironment(context.files, context.env, flags["env-file"], flags.env);
  return {
    User: flags.user,
    Privileged: flags.privileged,
    Tty: flags.tty,
    ...(size === null ? {} : { ConsoleSize: size }),
    AttachStdin: flags.interactive && !flags.detach,
    AttachStderr: !flags.detach,
    AttachStdout: !flags.detach,
    DetachKeys: flags["detach-keys"],
    Env: env.length === 0 ? null : env,
    WorkingDir: flags.workdir,
    Cmd: args.slice(1),
  };
}

const resizeExec =
  (context: Context, id: string): Resize =>
  ({ rows, columns }) =>
    context.client
      .call("POST /exec/{id}/resize", { path: { id }, query: { h: rows, w: columns } })
      .then(() => undefined);

async function runExec(invocation: Invocation<typeof FLAGS>): Promise<number> {
  const { context, flags, args } = invocation;
  const { client } = context;
  if (!flags.detach) checkTerminal(context, flags.interactive, flags.tty);
  const detachKeys = parseDetachKeys(flags["detach-keys"]);
  const terminal = flags.tty ? context.stdout.size() : null;
  const size: readonly [number, number] | null = terminal === null ? null : [terminal.rows, terminal.columns];
  const { Id: id } = await client.call("POST /containers/{id}/exec", {
    path: { id: withoutSlash(args[0] ?? "") },
    body: bodyOf(invocation, size),
  });
  if (id === "") throw new StatusError(1, "exec ID empty");
  const start = { Detach: flags.detach, Tty: flags.tty, ...(size === null ? {} : { ConsoleSize: size }) };
  if (flags.detach) {
    await client.call("POST /exec/{id}/start", { path: { id }, body: start });
    return 0;
  }
  const duplex = await client.hijack("POST /exec/{id}/start", { path: { id }, body: start });
  const unfollow = size === null ? null : followSize(context, resizeExec(context, id));
  try {
    const options = { tty: flags.tty, stdin: flags.interactive, stdout: true, stderr: true, detachKeys };
    if ((await runSession(context, duplex, options)) === "detached") return 0;
  } finally {
    unfollow?.();
  }
  const { ExitCode } = await client.call("GET /exec/{id}/json", { path: { id } });
  return ExitCode ?? 1;
}

export const exec = command({
  synopsis: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  summary: "Execute a command in a running container",
  flags: FLAGS,
  args: { min: 2, max: Number.POSITIVE_INFINITY },
  interspersed: false,
  complete: ["running", "none"],
  examples: [
    ["exec -it web sh", "a shell beside the running program"],
    ["exec -u 0 -w /tmp web id", "as another user, in another folder"],
  ],
  run: runExec,
});
