/** Which images GET /images/json shows. Pure but for the look-up it is given. */
import type { Filters } from "../schema/index.ts";
import { anyOf, booleanFilter, matchesLabels, valuesFor } from "./filters.ts";
import { parseUntil } from "./time.ts";
import type { Summary } from "./translate/image-out.ts";

export interface ImageListRequest {
  readonly all: boolean;
  readonly filters: Filters;
  readonly nowMs: number;
  /** Creation time in seconds of the image that a reference means; throws not_found. */
  readonly createdOf: (ref: string) => number;
}

export function selectImages(images: readonly Summary[], request: ImageListRequest): Summary[] {
  const { filters } = request;
  const dangling = booleanFilter(filters, "dangling");
  const parents = new Set(images.map(({ parentId }) => parentId));
  const before = valuesFor(filters, "before").map(request.createdOf);
  const since = valuesFor(filters, "since").map(request.createdOf);
  const until = valuesFor(filters, "until").map((value) => parseUntil(value, request.nowMs) / 1000);
  const shown = images.filter(
    (image) =>
      (request.all || isNamed(image) || !parents.has(image.id)) &&
      (dangling === null || dangling === !isNamed(image)) &&
      matchesLabels(image.labels, filters) &&
      anyOf(filters, "reference", (pattern) => namesOf(image).some((name) => matchesReference(name, pattern))) &&
      before.every((bound) => image.created < bound) &&
      since.every((bound) => image.created > bound) &&
      until.every((bound) => image.created < bound),
  );
  return shown.sort((a, b) => b.created - a.created);
}

const isNamed = (image: Summary): boolean => image.repoTags.length > 0 || image.repoDigests.length > 0;
const namesOf = (image: Summary): readonly string[] => [...image.repoTags, ...image.repoDigests];

/** Go's path.Match against the familiar name, with and without its tag. */
export function matchesReference(name: string, pattern: string): boolean {
  const expression = globExpression(pattern);
  return expression.test(name) || expression.test(name.replace(/(@sha256:[0-9a-f]+|:[\w.-]+)$/, ""));
}

function globExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /$^/;
  }
}
