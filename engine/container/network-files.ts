/** Contents of /etc/hostname, /etc/hosts and /etc/resolv.conf until the network issue (docker-api.md §10 "Files"). Pure. */
import { invalid } from "../base/errors.ts";
import type { ContainerConfig, HostConfig } from "../spec/config.ts";

export interface HostFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}
export interface NetworkFiles {
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
}

const LOOPBACK_HOSTS = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** "name:ip" or "name=ip" → hosts line; throws `container.bad_extra_host`. */
function extraHost(entry: string): string {
  const split = entry.search(/[:=]/);
  const name = entry.slice(0, split);
  const address = entry.slice(split + 1);
  const ip = address === "host-gateway" ? "127.0.0.1" : address.replace(/^\[(.*)\]$/, "$1");
  if (split <= 0 || ip === "" || !/^[0-9a-fA-F:.%]+$/.test(ip)) {
    throw invalid("container.bad_extra_host", `bad format for add-host: "${entry}"`, { details: { extraHost: entry } });
  }
  return `${ip}\t${name}`;
}

function hostsFile(config: ContainerConfig, host: HostConfig, files: HostFiles): string {
  const extra = (host.extraHosts ?? []).map(extraHost);
  if (host.networkMode === "host" && extra.length === 0) return files.hosts;
  const full =
    config.domainname === "" ? config.hostname : `${config.hostname}.${config.domainname} ${config.hostname}`;
  return `${[...LOOPBACK_HOSTS, ...extra, `127.0.0.1\t${full}`].join("\n")}\n`;
}

function resolvConf(host: HostConfig, files: HostFiles): string {
  if (host.dns.length + host.dnsSearch.length + host.dnsOptions.length === 0) return files.resolvConf;
  const kept = (word: string): string[] =>
    files.resolvConf.split("\n").filter((line) => line.trimStart().startsWith(word));
  const search = host.dnsSearch.filter((domain) => domain !== ".");
  return `${[
    ...(host.dns.length > 0 ? host.dns.map((server) => `nameserver ${server}`) : kept("nameserver")),
    ...(host.dnsSearch.length > 0 ? (search.length > 0 ? [`search ${search.join(" ")}`] : []) : kept("search")),
    ...(host.dnsOptions.length > 0 ? [`options ${host.dnsOptions.join(" ")}`] : kept("options")),
  ].join("\n")}\n`;
}

export const networkFiles = (config: ContainerConfig, host: HostConfig, files: HostFiles): NetworkFiles => ({
  hostname: `${config.hostname}\n`,
  hosts: hostsFile(config, host, files),
  resolvConf: resolvConf(host, files),
});
