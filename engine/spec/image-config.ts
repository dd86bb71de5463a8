import type { ContainerConfig } from "./config.ts";

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
  readonly Healthcheck?: {
    readonly Test?: readonly string[] | null;
    readonly Interval?: number;
    readonly Timeout?: number;
    readonly StartPeriod?: number;
    readonly StartInterval?: number;
    readonly Retries?: number;
  } | null;
  readonly Shell?: readonly string[] | null;
  readonly OnBuild?: readonly string[] | null;
}

/** Docker's merge of what the user gave with the image's configuration (docker-api.md §3). Throws when no command is left. */
export function mergeConfig(user: ContainerConfig, _image: ImageRunConfig): ContainerConfig {
  return user;
}

/** Entrypoint followed by command: inspect's Path is the first, Args the rest. */
export const commandLine = (config: ContainerConfig): readonly string[] => [...(config.entrypoint ?? []), ...(config.cmd ?? [])];
