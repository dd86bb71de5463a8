/**
 * Blobs by digest: `<root>/blobs/<algorithm>/<hex>`, byte for byte as they came. A blob appears by rename after its bytes
 * were hashed, so whatever has its name is whole. Configs, manifests and indexes live here; layer blobs do not stay
 * after they are unpacked (README, decision 1).
 */
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { errnoCode, internal, invalid, notFound } from "../../engine/base/errors.ts";
import { type Digest, digestAlgorithm, digestHex, isDigest } from "../digest.ts";

const ALGORITHMS = ["sha256", "sha512"] as const;

export class ContentStore {
  readonly #root: string;

  constructor(dataRoot: string) {
    this.#root = `${dataRoot}/blobs`;
    for (const algorithm of ALGORITHMS) mkdirSync(`${this.#root}/${algorithm}`, { recursive: true, mode: 0o700 });
  }

  /** Stores a document under its digest; durable when it returns. Throws when the bytes are not what the digest says. */
  put(digest: Digest, bytes: Buffer): void {
    verify(digest, bytes);
    const path = this.#path(digest);
    const temporary = `${this.#root}/.tmp-${randomBytes(8).toString("hex")}`;
    try {
      const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      if (errnoCode(error) === "ENOSPC")
        throw internal("image.disk_full", `no space left on device while storing ${digest}`, { cause: error });
      throw error;
    }
  }

  /** Verified again on the way out: a flipped bit on the disk must not become another image. */
  get(digest: Digest): Buffer {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#path(digest));
    } catch (error) {
      if (errnoCode(error) === "ENOENT")
        throw notFound("blob.missing", `blob ${digest} is not in the content store`, { cause: error });
      throw error;
    }
    verify(digest, bytes);
    return bytes;
  }

  remove(digest: Digest): void {
    rmSync(this.#path(digest), { force: true });
  }

  list(): Digest[] {
    return ALGORITHMS.flatMap((algorithm) =>
      readdirSync(`${this.#root}/${algorithm}`)
        .map((hex) => `${algorithm}:${hex}`)
        .filter(isDigest),
    );
  }

  /** Removes what nobody names: interrupted writes, and blobs not in `used`. */
  sweep(used: ReadonlySet<string>): void {
    for (const name of readdirSync(this.#root))
      if (name.startsWith(".tmp-")) rmSync(`${this.#root}/${name}`, { force: true });
    for (const digest of this.list()) if (!used.has(digest)) this.remove(digest);
  }

  #path(digest: Digest): string {
    return `${this.#root}/${digestAlgorithm(digest)}/${digestHex(digest)}`;
  }
}

export function verify(digest: Digest, bytes: Buffer): void {
  const actual = createHash(digestAlgorithm(digest)).update(bytes).digest("hex");
  if (actual !== digestHex(digest)) {
    throw invalid("image.digest_mismatch", `content of ${digest} has the digest ${digestAlgorithm(digest)}:${actual}`);
  }
}
