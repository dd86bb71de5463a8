/** "81-82/tcp, 0.0.0.0:8080->80/tcp": neighbours are folded into ranges, published ones follow their private ones. */
import type { ContainerSummary } from "../../../schema/index.ts";

type Port = ContainerSummary["Ports"][number];

interface Range {
  readonly key: string;
  readonly first: number;
  last: number;
  readonly mapped: boolean;
}

const host = (ip: string): string => (ip.includes(":") ? `[${ip}]` : ip);

function compare(left: Port, right: Port): number {
  if (left.PrivatePort !== right.PrivatePort) return left.PrivatePort - right.PrivatePort;
  if ((left.IP ?? "") !== (right.IP ?? "")) return (left.IP ?? "") < (right.IP ?? "") ? -1 : 1;
  if ((left.PublicPort ?? 0) !== (right.PublicPort ?? 0)) return (left.PublicPort ?? 0) - (right.PublicPort ?? 0);
  return left.Type < right.Type ? -1 : left.Type > right.Type ? 1 : 0;
}

const span = (first: number, last: number): string => (first === last ? `${first}` : `${first}-${last}`);

/** Ranges of the same number published under the same numbers, and of unpublished ports. */
export function showPorts(ports: readonly Port[]): string {
  const ranges = new Map<string, Range>();
  const mapped: string[] = [];
  const order: string[] = [];
  const close = (range: Range) => {
    const [type = "", ip = ""] = range.key.split("/");
    const numbers = span(range.first, range.last);
    order.push(range.mapped ? `${host(ip)}:${numbers}->${numbers}/${type}` : `${numbers}/${type}`);
  };
  for (const port of [...ports].sort(compare)) {
    const published = port.IP !== undefined && port.IP !== "";
    if (published && port.PublicPort !== port.PrivatePort) {
      mapped.push(`${host(port.IP ?? "")}:${port.PublicPort ?? 0}->${port.PrivatePort}/${port.Type}`);
      continue;
    }
    const key = published ? `${port.Type}/${port.IP}` : port.Type;
    const range = ranges.get(key);
    if (range !== undefined && port.PrivatePort === range.last + 1) {
      range.last = port.PrivatePort;
      continue;
    }
    if (range !== undefined && port.PrivatePort !== range.last) close(range);
    if (range === undefined || port.PrivatePort !== range.last) {
      ranges.set(key, { key, first: port.PrivatePort, last: port.PrivatePort, mapped: published });
    }
  }
  for (const key of [...ranges.keys()].sort()) {
    const range = ranges.get(key);
    if (range !== undefined) close(range);
  }
  return [...order, ...mapped].join(", ");
}
