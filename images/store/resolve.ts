/** Docker's look-up of what a user wrote (docker-api.md §8.1): name, digest, full id, unique prefix of an id. */
import { notFound } from "../../engine/base/errors.ts";
import { type Digest, isDigest } from "../digest.ts";
import { parseReference, type Reference } from "../reference.ts";
import type { ImageStore } from "./image-store.ts";

export const noSuchImage = (what: string) =>
  notFound("image.not_found", `No such image: ${what}`, { details: { image: what } });

/** The id, and the canonical name when the user gave a name (not an id) that exists. */
export interface Found {
  readonly id: Digest;
  readonly name: Reference | null;
}

export function findImage(store: ImageStore, ref: string): Found {
  const full = /^[0-9a-f]{64}$/.test(ref) ? `sha256:${ref}` : ref;
  if (isDigest(full)) {
    if (!store.has(full)) throw noSuchImage(ref);
    return { id: full, name: null };
  }
  const reference = parseReference(ref).tagged();
  const named = findName(store, reference);
  if (named !== null) return named;
  const prefix = /^(?:sha256:)?([0-9a-f]{1,63})$/.exec(ref)?.[1];
  const [id, other] = prefix === undefined ? [] : store.withPrefix(prefix);
  if (other !== undefined) {
    throw notFound(
      "image.ambiguous",
      `ambiguous reference: more than one image id begins with ${JSON.stringify(ref)}`,
      { details: { image: ref } },
    );
  }
  if (id === undefined) throw noSuchImage(reference.familiar());
  return { id, name: null };
}

/** name:tag@digest means the digest; the tag is decoration, as in Docker. */
function findName(store: ImageStore, reference: Reference): Found | null {
  const name = reference.digest === undefined ? reference : parseReference(`${reference.name()}@${reference.digest}`);
  const id = store.idOfName(name.canonical());
  return id === undefined ? null : { id, name };
}
