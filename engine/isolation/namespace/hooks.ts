/**
 * OCI hooks that run in the daemon's own namespaces: prestart and createRuntime between NAMESPACED and PROCEED (the
 * container exists and has not begun), poststart after its program executes, poststop after everything is gone.
 * createContainer and startContainer run inside the container and are refused.
 */
import { type HookResult, runHook } from "../../../native/binding/index.ts";
import { internal, unsupported } from "../../base/errors.ts";
import type { Hook, HookPoint, RunSpec } from "../../spec/run-spec.ts";
import { OCI_VERSION } from "../../spec/oci/write.ts";

type Hooks = RunSpec["hooks"];
const DEFAULT_TIMEOUT_SECONDS = 60;
const INSIDE: readonly HookPoint[] = ["createContainer", "startContainer"];

export function checkHooks(hooks: Hooks): void {
  for (const point of INSIDE) {
    if ((hooks[point] ?? []).length > 0)
      throw unsupported("container.hooks", `OCI hooks at ${point} are not supported yet`);
  }
}
/** Then the daemon must stop between NAMESPACED and PROCEED. */
export const holdsCreation = (hooks: Hooks): boolean =>
  (hooks.prestart ?? []).length + (hooks.createRuntime ?? []).length > 0;

export interface HookState {
  readonly id: string;
  readonly status: "creating" | "created" | "running" | "stopped";
  /** 0 when there is none any more. */
  readonly pid: number;
  readonly annotations: Readonly<Record<string, string>>;
}

const describe = (result: HookResult): string =>
  `${result.signal === null ? `exit status ${result.code}` : `signal ${result.signal}`}${result.stderr === "" ? "" : `: ${result.stderr.trim()}`}`;

async function run(point: HookPoint, hook: Hook, state: HookState): Promise<void> {
  const { pid, ...rest } = state;
  const stdin = JSON.stringify({ ociVersion: OCI_VERSION, ...rest, ...(pid === 0 ? {} : { pid }), bundle: "/" });
  const timeoutMs = (hook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000;
  const failed = (why: string, cause?: unknown): Error =>
    internal("container.hook_failed", `error running ${point} hook ${hook.path}: ${why}`, {
      cause,
      details: { argument: hook.path, exitCode: 128 },
    });
  let result: HookResult;
  try {
    result = await runHook({ path: hook.path, args: hook.args, env: hook.env, stdin, timeoutMs });
  } catch (error) {
    throw failed((error as Error).message, error);
  }
  if (result.code !== 0) throw failed(describe(result));
}

/** In order; the first failure ends it. */
export async function runHooks(hooks: Hooks, points: readonly HookPoint[], state: HookState): Promise<void> {
  for (const point of points) for (const hook of hooks[point] ?? []) await run(point, hook, state);
}
