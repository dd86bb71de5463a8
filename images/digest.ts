/** Content addresses. The grammar is enforced by the type: only `parseDigest` and `sha256` make one, so a digest is safe as a file name. */
import { createHash } from "node:crypto";
import { invalid } from "../engine/base/errors.ts";

declare const digestBrand: unique symbol;
/** `sha256:<64 lower-case hex>` or `sha512:<128 hex>`. */
export type Digest = string & { readonly [digestBrand]: true };

const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

export function isDigest(text: string): text is Digest {
  const [, algorithm, hex] = /^([a-z0-9]+):([0-9a-f]+)$/.exec(text) ?? [];
  return algorithm !== undefined && hex !== undefined && HEX_LENGTH[algorithm] === hex.length;
}

/** Throws invalid "invalid digest …" for anything but the two algorithms, in lower case and at full length. */
export function parseDigest(text: unknown): Digest {
  if (typeof text === "string" && isDigest(text)) return text;
  const shown = typeof text === "string" ? JSON.stringify(text.slice(0, 200)) : typeof text;
  throw invalid("image.bad_digest", `invalid digest ${shown}`);
}

export const sha256 = (bytes: Uint8Array | string): Digest =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;

export const digestAlgorithm = (digest: Digest): string => digest.slice(0, digest.indexOf(":"));
export const digestHex = (digest: Digest): string => digest.slice(digest.indexOf(":") + 1);

/** ChainID of each prefix of the list, bottom first (image-spec config.md "Layer ChainID"). */
export function chainIdsOf(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256(`${below} ${diffId}`));
  }
  return chain;
}
