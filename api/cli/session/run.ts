/** create → attach → wait → start → resize → stream → exit status, in the order that loses no byte and no exit. */
import { ApiError, type Duplex } from "../../client/index.ts";
import type { CreateBody } from "../create/body.ts";
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { paintMessage } from "../render/paint.ts";
import { pullImage, withTag } from "./pull.ts";
import { runSession, type SessionEnd } from "./stream.ts";
import { followSize, proxySignals, resizeContainer, type SignalProxy } from "./terminal.ts";

export interface CreateRequest {
  readonly body: CreateBody;
  readonly image: string;
  readonly name: string;
  readonly platform: string;
  readonly pull: string;
  readonly quiet: boolean;
  readonly cidfile: string;
}

const PULL_POLICIES = new Set(["always", "missing", "never"]);

function claimIdFile(context: Context, path: string): void {
  if (path === "") return;
  if (context.files.exists(path)) {
    throw new StatusError(
      125,
      `container ID file found, make sure the other container isn't running or delete ${path}`,
    );
  }
  try {
    context.files.createExclusive(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StatusError(125, `failed to create the container ID file: ${why}`, { cause: error });
  }
}

async function post(
  context: Context,
  request: CreateRequest,
): Promise<{ readonly Id: string; readonly Warnings: readonly string[] }> {
  const { body, name, platform } = request;
  const query = { ...(name === "" ? {} : { name }), ...(platform === "" ? {} : { platform }) };
  const create = () => context.client.call("POST /containers/create", { body, query });
  if (request.pull === "always") await pullImage(context, request.image, platform, request.quiet);
  try {
    return await create();
  } catch (error) {
    const missing = error instanceof ApiError && error.status === 404 && request.pull === "missing";
    if (!missing || !/no such image/i.test(error.message)) throw error;
    await context.stderr.write(`Unable to find image '${withTag(request.image)}' locally\n`);
    await pullImage(context, request.image, platform, request.quiet);
    return create();
  }
}

/** Returns the id. The id file holds it, or does not exist. */
export async function createContainer(context: Context, request: CreateRequest): Promise<string> {
  if (!PULL_POLICIES.has(request.pull)) {
    throw new StatusError(125, `invalid pull option: '${request.pull}': must be one of "always", "missing" or "never"`);
  }
  claimIdFile(context, request.cidfile);
  try {
    const { Id, Warnings } = await post(context, request);
    for (const warning of Warnings ?? [])
      await context.stderr.write(paintMessage(context.stderr, context.env, `WARNING: ${warning}\n`));
    if (request.cidfile !== "") context.files.writeText(request.cidfile, Id);
    return Id;
  } catch (error) {
    if (request.cidfile !== "") context.files.remove(request.cidfile);
    throw error;
  }
}

export interface AttachPlan {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
  readonly detachKeysText: string;
  readonly detachKeys: readonly number[];
  readonly autoRemove: boolean;
  readonly sigProxy: boolean;
}

export const attachStreams = (context: Context, id: string, plan: AttachPlan): Promise<Duplex> =>
  context.client.hijack("POST /containers/{id}/attach", {
    path: { id },
    query: {
      stream: true,
      ...(plan.stdin ? { stdin: true } : {}),
      ...(plan.stdout ? { stdout: true } : {}),
      ...(plan.stderr ? { stderr: true } : {}),
      ...(plan.detachKeysText === "" ? {} : { detachKeys: plan.detachKeysText }),
    },
  });

/** Name and time of each step, for --timings. */
export type Mark = (name: string) => void;

export interface Started {
  readonly id: string;
  readonly start: () => Promise<void>;
  readonly mark: Mark;
}

interface Waited {
  readonly StatusCode: number;
  readonly Error?: { readonly Message: string } | undefined;
}

function statusOf(result: Waited): number {
  const message = result.Error?.Message ?? "";
  if (message !== "") throw new StatusError(125, `Error waiting for container: ${message}`);
  return result.StatusCode;
}

async function stream(context: Context, duplex: Duplex | null, plan: AttachPlan): Promise<SessionEnd> {
  return duplex === null ? "ended" : runSession(context, duplex, plan);
}

/**
 * Attaches and waits first, then starts, so that neither the first byte nor a quick exit is missed. Returns the exit status of
 * the container, 0 after detach keys. When the start fails, that error is thrown after streams and terminal are given back.
 */
export async function runAttached(context: Context, { id, start, mark }: Started, plan: AttachPlan): Promise<number> {
  const attaches = plan.stdin || plan.stdout || plan.stderr;
  const proxy: SignalProxy | null = plan.sigProxy ? proxySignals(context, id) : null;
  let unfollow: (() => void) | undefined;
  try {
    const condition = plan.autoRemove ? "removed" : "next-exit";
    // Both are registered when their headers arrive; side by side they cost one round trip.
    const [duplex, waiting] = await Promise.all([
      attaches ? attachStreams(context, id, plan) : null,
      context.client.begin("POST /containers/{id}/wait", { path: { id }, query: { condition } }),
    ]);
    waiting.value.catch(() => undefined);
    mark("attach and wait");
    const session = stream(context, duplex, plan);
    session.catch(() => undefined);
    try {
      await start();
    } catch (error) {
      duplex?.destroy();
      await session.catch(() => undefined);
      throw error;
    }
    mark("start");
    proxy?.ready();
    if (plan.tty && context.stdout.isTerminal) unfollow = followSize(context, resizeContainer(context, id));
    if ((await session) === "detached") return 0;
    mark("output");
    const status = statusOf(await waiting.value);
    mark("exit");
    return status;
  } finally {
    unfollow?.();
    proxy?.stop();
  }
}

/** docker's exit statuses for a container that cannot be started, by what the daemon says. */
export function startFailureStatus(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file specified/i.test(message))
    return 127;
  if (/permission denied|is a directory/i.test(message)) return 126;
  return 125;
}
