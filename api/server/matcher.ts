/** Finds the row of a rewritten path among a few rows of the route table. Pure. */
import type { Route } from "../schema/index.ts";

export interface Match {
  readonly id: string;
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}
export type Matcher = (method: string, url: string) => Match | null;

/** Compiled at the first question: most daemons are never asked some of them. */
export function createMatcher(rows: readonly (readonly [id: string, route: Route])[]): Matcher {
  let patterns: readonly { readonly id: string; readonly route: Route; readonly expression: RegExp }[] | undefined;
  return (method, url) => {
    patterns ??= rows.map(([id, route]) => ({ id, route, expression: expressionOf(route.path) }));
    const [path = url] = url.split("?");
    for (const { id, route, expression } of patterns) {
      const found = route.method === method ? expression.exec(path) : null;
      if (found !== null) return { id, route, params: decoded(found.groups ?? {}) };
    }
    return null;
  };
}

const expressionOf = (path: string): RegExp => new RegExp(`^${path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);

function decoded(groups: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([key, value]) => [key, decodeURIComponent(value)]));
  } catch {
    return { ...groups };
  }
}
