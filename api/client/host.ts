/** Where the daemon listens: `unix:///path`, `tcp://host:port`, or `host:port`. */
import { HostError } from "./errors.ts";

export const DEFAULT_HOST = "unix:///run/tare/tare.sock";
const DEFAULT_TCP_PORT = 2375;

export type Endpoint =
  | { readonly kind: "unix"; readonly path: string; readonly url: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly url: string };

function parseTcp(address: string, url: string): Endpoint {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]*)(?::(\d+))?\/?$/.exec(address);
  if (match === null) throw new HostError(`invalid host "${url}": expected tcp://HOST:PORT`);
  const host = (match[1] ?? "").replace(/^\[|\]$/g, "");
  const port = match[2] === undefined ? DEFAULT_TCP_PORT : Number(match[2]);
  if (port < 1 || port > 65535) throw new HostError(`invalid host "${url}": port ${port} is not between 1 and 65535`);
  return { kind: "tcp", host: host === "" ? "127.0.0.1" : host, port, url };
}

/** Throws HostError naming the text as the user gave it. */
export function parseHost(text: string): Endpoint {
  const url = text.trim();
  if (url === "") return parseHost(DEFAULT_HOST);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(url);
  if (scheme === null) {
    if (url.startsWith("/")) return { kind: "unix", path: url, url: `unix://${url}` };
    return parseTcp(url, `tcp://${url}`);
  }
  const rest = scheme[2] ?? "";
  switch ((scheme[1] ?? "").toLowerCase()) {
    case "unix":
      if (rest === "") return parseHost(DEFAULT_HOST);
      return { kind: "unix", path: rest, url };
    case "tcp":
    case "http":
      return parseTcp(rest, url);
    default:
      throw new HostError(`invalid host "${url}": only unix:// and tcp:// addresses are supported`);
  }
}
