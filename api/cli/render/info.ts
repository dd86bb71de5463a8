/** The page that `info` prints. */
import type { InfoReply } from "../../schema/index.ts";
import { binarySize } from "./units.ts";

type Line = readonly [name: string, value: string | number | boolean | undefined];

const shown = (lines: readonly Line[]): string[] =>
  lines.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => ` ${name}: ${value}`);

function securityLines(options: readonly string[] | null | undefined): string[] {
  if (options === null || options === undefined || options.length === 0) return [];
  const lines = [" Security Options:"];
  for (const option of options) {
    const pairs = option.split(",").map((pair) => pair.split("=", 2));
    const name = pairs.find(([key]) => key === "name")?.[1] ?? option;
    lines.push(`  ${name}`);
    for (const [key, value] of pairs)
      if (key !== "name") lines.push(`   ${key === "profile" ? "Profile" : key}: ${value}`);
  }
  return lines;
}

export function infoText(info: InfoReply, clientVersion: string, debug: boolean): string {
  const plugins = info.Plugins ?? { Volume: [], Network: [], Log: [] };
  const lines = ["Client: ctr", ` Version:    ${clientVersion}`, ` Debug Mode: ${debug}`, "", "Server:"];
  lines.push(
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ...shown([
      ["Images", info.Images],
      ["Server Version", info.ServerVersion],
      ["Storage Driver", info.Driver],
    ]),
    ...(info.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ...shown([
      ["Logging Driver", info.LoggingDriver],
      ["Cgroup Driver", info.CgroupDriver],
      ["Cgroup Version", info.CgroupVersion],
    ]),
    " Plugins:",
    `  Volume: ${(plugins.Volume ?? []).join(" ")}`,
    `  Network: ${(plugins.Network ?? []).join(" ")}`,
    `  Log: ${(plugins.Log ?? []).join(" ")}`,
    ` Swarm: ${info.Swarm?.LocalNodeState ?? "inactive"}`,
    ` Runtimes: ${Object.keys(info.Runtimes ?? {})
      .sort()
      .join(" ")}`,
    ...shown([
      ["Default Runtime", info.DefaultRuntime],
      ["Init Binary", info.InitBinary],
    ]),
    ...securityLines(info.SecurityOptions),
    ...shown([
      ["Kernel Version", info.KernelVersion],
      ["Operating System", info.OperatingSystem],
      ["OSType", info.OSType],
      ["Architecture", info.Architecture],
      ["CPUs", info.NCPU],
      ["Total Memory", binarySize(info.MemTotal ?? 0)],
      ["Name", info.Name],
      ["ID", info.ID],
      ["Docker Root Dir", info.DockerRootDir],
      ["Debug Mode", info.Debug],
      ["Experimental", info.ExperimentalBuild],
      ["Live Restore Enabled", info.LiveRestoreEnabled],
    ]),
  );
  return `${lines.join("\n")}\n\n`;
}
