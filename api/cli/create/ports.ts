/** -p and --expose: "[ip:][host[-range]:]container[-range][/proto]" → exposed ports and bindings. */
import { StatusError } from "../errors.ts";
import { csvFields, cut } from "./csv.ts";

export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}
export interface Ports {
  readonly exposed: Readonly<Record<string, Record<string, never>>>;
  readonly bindings: Readonly<Record<string, readonly PortBinding[]>>;
}

const wrong = (message: string) => new StatusError(125, message);
const PROTOCOLS = new Set(["tcp", "udp", "sctp"]);

/** Null when it is not a range of ports. */
function parseRange(text: string): readonly [number, number] | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const start = Number(match[1]);
  const end = Number(match[2] ?? match[1]);
  return start > 65535 || end > 65535 || end < start ? null : [start, end];
}

/** "published=8080,target=80,protocol=tcp" → "8080:80/tcp". */
function longForm(text: string): string {
  const parts: Record<string, string> = { protocol: "tcp", published: "", target: "" };
  for (const field of csvFields(text)) {
    const [key, value] = cut(field, "=");
    if (value === null || value === "")
      throw wrong(`invalid publish opts format (should be name=value but got '${field}')`);
    parts[key] = value;
  }
  return `${parts["published"]}:${parts["target"]}/${parts["protocol"]}`;
}

interface Spec {
  readonly ip: string;
  readonly host: string;
  readonly container: string;
  readonly protocol: string;
}

function split(text: string): Spec {
  const parts = text.split(":");
  const [container = "", protocol = "tcp"] = (parts.pop() ?? "").split("/", 2);
  const host = parts.pop() ?? "";
  return { ip: parts.join(":"), host, container, protocol };
}

const V4 = /^(\d{1,3})(\.\d{1,3}){3}$/;
export function isAddress(text: string): boolean {
  if (V4.test(text)) return text.split(".").every((one) => Number(one) <= 255 && String(Number(one)) === one);
  return text.includes(":") && process.getBuiltinModule("node:net").isIPv6(text);
}

function address(text: string): string {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (bare !== "" && !isAddress(bare)) throw wrong(`invalid IP address: ${bare}`);
  return bare;
}

function* publish(text: string): Generator<readonly [port: string, binding: PortBinding]> {
  const spec = split(text);
  const ip = address(spec.ip);
  if (spec.container === "") throw wrong(`no port specified: ${text}<empty>`);
  const container = parseRange(spec.container);
  if (container === null) throw wrong(`invalid containerPort: ${spec.container}`);
  const host = spec.host === "" ? null : parseRange(spec.host);
  if (spec.host !== "" && host === null) throw wrong(`invalid hostPort: ${spec.host}`);
  const [start, end] = container;
  if (host !== null && end - start !== host[1] - host[0] && end !== start) {
    throw wrong(`invalid ranges specified for container and host Ports: ${spec.container} and ${spec.host}`);
  }
  const protocol = spec.protocol.toLowerCase();
  if (!PROTOCOLS.has(protocol)) throw wrong(`invalid proto: ${spec.protocol}`);
  for (let port = start; port <= end; port++) {
    let hostPort = host === null ? "" : String(host[0] + port - start);
    // A range on the host for one container port: the engine takes the first that is free.
    if (host !== null && start === end && host[0] !== host[1]) hostPort = `${host[0]}-${host[1]}`;
    yield [`${port}/${protocol}`, { HostIp: ip, HostPort: hostPort }];
  }
}

function* expose(text: string): Generator<string> {
  if (text.includes(":")) throw wrong(`invalid port format for --expose: ${text}`);
  const [ports, protocol = "tcp"] = text.split("/", 2);
  const range = parseRange(ports ?? "");
  if (range === null) {
    throw wrong(
      `invalid range format for --expose: ${text}, error: strconv.ParseUint: parsing ${JSON.stringify(ports)}: invalid syntax`,
    );
  }
  for (let port = range[0]; port <= range[1]; port++) yield `${port}/${protocol.toLowerCase()}`;
}

/** Throws StatusError 125. */
export function compilePorts(published: readonly string[], exposed: readonly string[]): Ports {
  const all: Record<string, Record<string, never>> = {};
  const bindings: Record<string, PortBinding[]> = {};
  for (const text of published) {
    for (const [port, binding] of publish(text.includes("=") ? longForm(text) : text)) {
      all[port] = {};
      bindings[port] = [...(bindings[port] ?? []), binding];
    }
  }
  for (const text of exposed) for (const port of expose(text)) all[port] = {};
  return { exposed: all, bindings };
}
