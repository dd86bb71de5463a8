/** Which containers GET /containers/json shows, and in what order. Pure but for the look-ups it is given. */
import { type ContainerSnapshot, invalid } from "../../engine/index.ts";
import type { Filters } from "../schema/index.ts";
import { anyOf, booleanFilter, matchesLabels, matchesPattern, valuesFor } from "./filters.ts";
import { isUp } from "./translate/container-out.ts";

export interface ListRequest {
  readonly all: boolean;
  /** 0 = no limit */
  readonly limit: number;
  readonly filters: Filters;
}
export interface Lookups {
  /** Throws not_found. */
  readonly container: (ref: string) => ContainerSnapshot;
  /** Id of the image a reference means, null = none. */
  readonly imageId: (ref: string) => string | null;
  readonly networkId: (name: string) => string;
}

const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTHS = ["starting", "healthy", "unhealthy", "none"];

export function selectContainers(
  containers: readonly ContainerSnapshot[],
  request: ListRequest,
  lookups: Lookups,
): readonly ContainerSnapshot[] {
  checkValues(request.filters, "status", STATUSES);
  checkValues(request.filters, "health", HEALTHS);
  const all = request.all || request.limit > 0 || request.filters.has("status") || request.filters.has("exited");
  const matches = matcher(request.filters, lookups);
  const shown = newestFirst(containers.filter((one) => (all || isUp(one.state)) && matches(one)));
  return request.limit > 0 ? shown.slice(0, request.limit) : shown;
}

function checkValues(filters: Filters, key: string, known: readonly string[]): void {
  const bad = valuesFor(filters, key).filter((value) => !known.includes(value));
  if (bad.length > 0) throw invalid("api.bad_filter", `invalid filter '${key}=[${bad.join(" ")}]'`);
}

type Matcher = (container: ContainerSnapshot) => boolean;

function matcher(filters: Filters, lookups: Lookups): Matcher {
  const checks: Matcher[] = [];
  const on = (key: string, check: (one: ContainerSnapshot, value: string) => boolean): void => {
    if (filters.has(key)) checks.push((one) => anyOf(filters, key, (value) => check(one, value)));
  };
  on("id", (one, value) => matchesPattern(one.id, value));
  on("name", (one, value) => matchesPattern(one.name, value) || matchesPattern(`/${one.name}`, value));
  on("status", (one, value) => one.state.status === value);
  on("health", (_one, value) => value === "none");
  on("exited", exitedWith);
  on("expose", (one, value) => one.config.exposedPorts.some((port) => portMatches(port, value)));
  on("publish", (one, value) => Object.keys(one.host.portBindings).some((port) => portMatches(port, value)));
  on("volume", (one, value) => one.mounts.some((mount) => mount.name === value || mount.destination === value));
  on("network", (one, value) =>
    networksOf(one).some((name) => name === value || lookups.networkId(name).startsWith(value)),
  );
  checks.push((one) => matchesLabels(one.config.labels, filters));
  if (booleanFilter(filters, "is-task") === true) checks.push(() => false);
  addReferences(checks, filters, lookups);
  return (one) => checks.every((check) => check(one));
}

/** Filters that name another container or an image. */
function addReferences(checks: Matcher[], filters: Filters, lookups: Lookups): void {
  const ancestors = new Set(valuesFor(filters, "ancestor").map((ref) => lookups.imageId(ref)));
  if (filters.has("ancestor")) checks.push((one) => ancestors.has(one.imageId));
  for (const ref of valuesFor(filters, "before")) {
    const bound = timeKey(lookups.container(ref).createdAt);
    checks.push((one) => timeKey(one.createdAt) < bound);
  }
  for (const ref of valuesFor(filters, "since")) {
    const bound = timeKey(lookups.container(ref).createdAt);
    checks.push((one) => timeKey(one.createdAt) > bound);
  }
}

function exitedWith(one: ContainerSnapshot, value: string): boolean {
  if (!/^-?\d+$/.test(value)) throw invalid("api.bad_filter", `invalid filter 'exited=[${value}]'`);
  return one.state.status === "exited" && one.state.exitCode === Number(value);
}

const networksOf = (one: ContainerSnapshot): readonly string[] => {
  const named = Object.keys(one.endpoints);
  return named.length > 0 ? named : [one.host.networkMode || "bridge"];
};

/** "80", "80/udp", "8000-8010/tcp" against "80/tcp". */
function portMatches(port: string, wanted: string): boolean {
  const [range = "", wantedType = "tcp"] = wanted.split("/");
  const [number = "", type = "tcp"] = port.split("/");
  const [first = "", last = first] = range.split("-");
  if (!/^\d+$/.test(first) || !/^\d+$/.test(last))
    throw invalid("api.bad_filter", `invalid filter: "${wanted}" is not a port`);
  return type === wantedType && Number(number) >= Number(first) && Number(number) <= Number(last);
}

/** RFC3339 with any number of fraction digits, comparable as text. */
const timeKey = (time: string): string => {
  const [whole = "", fraction = ""] = time.replace(/Z$/, "").split(".");
  return `${whole}.${fraction.padEnd(9, "0")}`;
};

export function newestFirst<T extends { readonly createdAt: string }>(list: readonly T[]): T[] {
  const keyed = list.map((one) => [timeKey(one.createdAt), one] as const);
  return keyed.sort(([a], [b]) => (a < b ? 1 : a > b ? -1 : 0)).map(([, one]) => one);
}
