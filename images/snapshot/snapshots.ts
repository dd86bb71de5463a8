/** Overlay snapshots: unpacked layers by chain id and the writable layers of containers. */
import { unsupported } from "../../engine/base/errors.ts";
import type { Digest } from "../digest.ts";
import type { OpenRoot, RootSnapshot } from "../types.ts";

const later = (what: string): never => {
  throw unsupported("image.unfinished", `${what} is not implemented yet`);
};

export class Snapshots {
  /** A writable layer for `key` (a container id) over the image's layers and its init layer. Throws conflict when the key exists. */
  async prepare(_key: string, _chainId: Digest | null): Promise<RootSnapshot> {
    return later("prepare");
  }
  /** Throws not_found. */
  get(_key: string): RootSnapshot {
    return later("get");
  }
  /** Idempotent. Resolves when the bytes are gone; what a killed daemon leaves is swept at the next open. */
  async remove(_key: string): Promise<void> {
    return later("remove");
  }
  /** Bytes of the writable layer (files' sizes, Docker's SizeRw). */
  async usage(_key: string): Promise<number> {
    return later("usage");
  }
  keys(): string[] {
    return later("keys");
  }
  /** For reading (default) or writing in a container that does not run; `{chainId}` opens an image read-only. */
  openRoot(_what: { readonly key: string; readonly write?: boolean } | { readonly chainId: Digest | null }): OpenRoot {
    return later("openRoot");
  }
}
