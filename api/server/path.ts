/**
 * What Go's router does with a path before a handler sees it: the version prefix comes off, and names that contain
 * slashes become one segment. Pure.
 */
import { type ApiVersion, allRoutes, CURRENT, parseApiVersion } from "../schema/index.ts";

export interface RewrittenPath {
  /** Path with query, ready for the router. */
  readonly url: string;
  readonly api: ApiVersion;
  /** The prefix as written, "" without one. */
  readonly version: string;
}

const PREFIX = /^\/v([0-9.]+)(?=\/|$)/;

/** First segments under which a name may contain slashes, with the last segments (per method) that are not part of the name. */
const GREEDY = greedyHeads();
function greedyHeads(): ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> {
  const heads = new Map<string, Map<string, Set<string>>>();
  for (const { method, path } of Object.values(allRoutes)) {
    const match = /^\/(images|distribution|plugins)\/\{name\}(?:\/(\w+))?$/.exec(path);
    if (match === null) continue;
    const [, head = "", last = ""] = match;
    const byMethod = heads.get(head) ?? new Map<string, Set<string>>();
    heads.set(head, byMethod.set(method, (byMethod.get(method) ?? new Set()).add(last)));
  }
  return heads;
}

export function rewritePath(method: string, rawUrl: string): RewrittenPath {
  const match = PREFIX.exec(rawUrl);
  const version = match?.[1] ?? "";
  const url = match === null ? rawUrl : rawUrl.slice(match[0].length) || "/";
  return { url: joinName(method, url), api: version === "" ? CURRENT : parseApiVersion(version), version };
}

function joinName(method: string, url: string): string {
  const question = url.indexOf("?");
  const path = question < 0 ? url : url.slice(0, question);
  if (path === "/networks/") return `/networks${url.slice(path.length)}`;
  const segments = path.split("/");
  const [, head = "", ...rest] = segments;
  const lasts = rest.length > 1 ? GREEDY.get(head)?.get(method) : undefined;
  if (lasts === undefined) return url;
  const last = rest.at(-1) ?? "";
  const hasLast = lasts.has(last);
  if (!hasLast && !lasts.has("")) return url;
  const name = (hasLast ? rest.slice(0, -1) : rest).join("/");
  return `/${head}/${recode(name)}${hasLast ? `/${last}` : ""}${url.slice(path.length)}`;
}

/** One segment for the router, whether or not the client escaped it. A malformed escape is left for the router to refuse. */
function recode(name: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(name));
  } catch {
    return name.replaceAll("/", "%2F");
  }
}
