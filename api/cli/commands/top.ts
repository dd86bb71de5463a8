import { command } from "../parse/command.ts";
import { StatusError } from "../errors.ts";
import { alignTabs } from "../render/tabwriter.ts";
import { withoutSlash } from "./shared.ts";

export const top = command({
  synopsis: "CONTAINER [ps OPTIONS]",
  summary: "Display the running processes of a container",
  flags: {},
  args: { min: 1, max: Number.POSITIVE_INFINITY },
  interspersed: false,
  complete: ["running", "none"],
  run: async ({ context, args }) => {
    const [name = "", ...options] = args;
    const { Titles, Processes } = await context.client.call("GET /containers/{id}/top", {
      path: { id: withoutSlash(name) },
      query: options.length === 0 ? {} : { ps_args: options.join(" ") },
    });
    const rows = [Titles, ...Processes].map((cells) => `${cells.join("\t")}\n`).join("");
    await context.stdout.write(alignTabs(rows, { minWidth: 20, padding: 3 }));
    return 0;
  },
});

export const port = command({
  synopsis: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  summary: "List port mappings or a specific mapping for the container",
  flags: {},
  args: { min: 1, max: 2 },
  complete: ["container", "none"],
  run: async ({ context, args }) => {
    const [name = "", wanted] = args;
    const { NetworkSettings } = await context.client.call("GET /containers/{id}/json", {
      path: { id: withoutSlash(name) },
    });
    const address = (ip: string, number: string) => `${ip.includes(":") ? `[${ip}]` : ip}:${number}`;
    const lines: string[] = [];
    if (wanted === undefined) {
      for (const [inside, bindings] of Object.entries(NetworkSettings.Ports ?? {})) {
        for (const { HostIp, HostPort } of bindings ?? []) lines.push(`${inside} -> ${address(HostIp, HostPort)}`);
      }
      lines.sort((left, right) => Number.parseInt(left, 10) - Number.parseInt(right, 10) || (left < right ? -1 : 1));
    } else {
      const [number = "", protocol = "tcp"] = wanted.split("/", 2);
      if (!/^\d{1,5}$/.test(number) || Number(number) > 65535) {
        throw new StatusError(1, `Error: invalid port (${wanted}): invalid port: ${number}`);
      }
      const bindings = NetworkSettings.Ports?.[`${number}/${protocol}`] ?? [];
      if (bindings.length === 0) throw new StatusError(1, `Error: No public port '${wanted}' published for ${name}`);
      for (const { HostIp, HostPort } of bindings) lines.push(address(HostIp, HostPort));
    }
    await context.stdout.write(lines.map((one) => `${one}\n`).join(""));
    return 0;
  },
});
