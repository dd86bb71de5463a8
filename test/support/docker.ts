/** The real docker command against a daemon of ours: whatever was installed, else the one `npm test` unpacked. */
import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Ran, type RunOptions, run } from "./process.ts";

const UNPACKED = join(import.meta.dirname, "../../.tare-setup/docker-cli/usr/bin");

function find(name: string): string | undefined {
  for (const dir of [...(process.env["PATH"] ?? "").split(delimiter), UNPACKED]) {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {}
  }
  return undefined;
}

/** Path of the docker command, or undefined: `describe.skipIf(!dockerPath)("… (needs the docker command)", …)`. */
export const dockerPath = find("docker");

/** Nothing of the caller's docker configuration reaches the command. */
export const dockerEnv = (socket: string): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: tmpdir(),
  DOCKER_CONFIG: join(tmpdir(), "tare-no-docker-config"),
  DOCKER_HOST: `unix://${socket}`,
  DOCKER_CLI_HINTS: "false",
  LANG: "C.UTF-8",
});

export function docker(socket: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  if (dockerPath === undefined) throw new Error("no docker command on this machine");
  return run(dockerPath, args, { ...options, env: { ...dockerEnv(socket), ...options.env } });
}
