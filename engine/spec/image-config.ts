/** What an image says about running it, and Docker's merge of that with what the user says (docker-api.md §3). Pure. */
import { invalid } from "../base/errors.ts";
import type { ContainerConfig, HealthcheckConfig } from "./config.ts";

/** The `config` object of an OCI or Docker image configuration, as parsed from JSON: everything may be missing or null. */
export interface ImageRunConfig {
  readonly User?: string | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | string | null;
  readonly Cmd?: readonly string[] | string | null;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly WorkingDir?: string | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string | null;
  readonly Healthcheck?: ImageHealthcheck | null;
  readonly Shell?: readonly string[] | null;
  readonly OnBuild?: readonly string[] | null;
}
interface ImageHealthcheck {
  readonly Test?: readonly string[] | null;
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

const words = (value: readonly string[] | string | null | undefined): readonly string[] | null =>
  value === null || value === undefined ? null : typeof value === "string" ? [value] : value;
const union = (a: readonly string[], b: readonly string[]): readonly string[] => [...new Set([...a, ...b])];
const key = (entry: string): string => entry.split("=", 1)[0] as string;

/**
 * null and [] of an entrypoint differ: null takes the image's, [] means none (the image's command stays), [""] (what
 * `--entrypoint ""` sends) means none and drops the image's command too.
 */
function mergeCommand(user: ContainerConfig, image: ImageRunConfig): Pick<ContainerConfig, "entrypoint" | "cmd"> {
  const userEntrypoint = user.entrypoint;
  const cmd =
    (userEntrypoint === null || userEntrypoint.length === 0) && (user.cmd === null || user.cmd.length === 0)
      ? words(image.Cmd)
      : user.cmd;
  if (userEntrypoint === null) return { entrypoint: words(image.Entrypoint), cmd };
  const reset = userEntrypoint.length === 1 && userEntrypoint[0] === "";
  return { entrypoint: reset ? [] : userEntrypoint, cmd };
}

function mergeHealthcheck(
  user: HealthcheckConfig | null,
  image: ImageHealthcheck | null | undefined,
): HealthcheckConfig | null {
  if (image === null || image === undefined) return user;
  const from: HealthcheckConfig = {
    test: image.Test ?? [],
    intervalNs: image.Interval ?? 0,
    timeoutNs: image.Timeout ?? 0,
    startPeriodNs: image.StartPeriod ?? 0,
    startIntervalNs: image.StartInterval ?? 0,
    retries: image.Retries ?? 0,
  };
  if (user === null) return from;
  return {
    test: user.test.length > 0 ? user.test : from.test,
    intervalNs: user.intervalNs || from.intervalNs,
    timeoutNs: user.timeoutNs || from.timeoutNs,
    startPeriodNs: user.startPeriodNs || from.startPeriodNs,
    startIntervalNs: user.startIntervalNs || from.startIntervalNs,
    retries: user.retries || from.retries,
  };
}

function mergeEnv(user: readonly string[], image: readonly string[]): readonly string[] {
  const given = new Set(user.map(key));
  return [...user, ...image.filter((entry) => !given.has(key(entry)))];
}

/** Docker's merge of what the user gave with the image's configuration. Throws when no command is left. */
export function mergeConfig(user: ContainerConfig, image: ImageRunConfig): ContainerConfig {
  const command = mergeCommand(user, image);
  if ((command.entrypoint ?? []).length + (command.cmd ?? []).length === 0) {
    throw invalid("container.no_command", "no command specified", {
      hint: "The image names no command: give one after the image's name.",
      details: { image: user.image },
    });
  }
  return {
    ...user,
    ...command,
    user: user.user || (image.User ?? ""),
    workingDir: user.workingDir || (image.WorkingDir ?? ""),
    stopSignal: user.stopSignal || (image.StopSignal ?? null) || null,
    exposedPorts: union(user.exposedPorts, Object.keys(image.ExposedPorts ?? {})),
    volumes: union(user.volumes, Object.keys(image.Volumes ?? {})),
    env: mergeEnv(user.env, image.Env ?? []),
    labels: { ...(image.Labels ?? {}), ...user.labels },
    healthcheck: mergeHealthcheck(user.healthcheck, image.Healthcheck),
    shell: user.shell ?? image.Shell ?? null,
    onBuild: user.onBuild ?? null,
  };
}

/** Entrypoint followed by command: inspect's Path is the first, Args the rest. */
export const commandLine = (config: ContainerConfig): readonly string[] => [
  ...(config.entrypoint ?? []),
  ...(config.cmd ?? []),
];
