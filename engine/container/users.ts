/**
 * Who the process is: the image's passwd and group files, read through a handle on the root. The answer is cached by
 * image chain and user text; a container that has an /etc of its own in its writable layer is read each time.
 */
import { lookupUser } from "../../images/index.ts";
import { entryKind } from "../base/fs.ts";
import type { ResolvedUser } from "../spec/resolve-process.ts";
import type { Container } from "./container.ts";
import type { SnapshotStore } from "./context.ts";

const MAX_CACHED = 512;

export class UserCache {
  readonly #snapshots: SnapshotStore;
  readonly #lookup: typeof lookupUser;
  readonly #known = new Map<string, ResolvedUser>();

  constructor(snapshots: SnapshotStore, lookup: typeof lookupUser = lookupUser) {
    this.#snapshots = snapshots;
    this.#lookup = lookup;
  }

  /** With the groups of --group-add. Throws `unable to find user x: no matching entries in passwd file`; groups alike. */
  resolve(container: Container, spec: string): ResolvedUser {
    const user = this.#find(container, spec);
    const added = container.record.host.groupAdd ?? [];
    if (added.length === 0) return user;
    const gids = added.map((group) => this.#find(container, `0:${group}`).gid);
    return { ...user, additionalGids: [...new Set([...user.additionalGids, ...gids])] };
  }

  #find(container: Container, spec: string): ResolvedUser {
    const { id, chainId } = container.record;
    if (this.#hasOwnEtc(id)) return this.#read(id, spec);
    const key = `${chainId ?? ""}\0${spec}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const user = this.#read(id, spec);
    if (this.#known.size >= MAX_CACHED) this.#known.clear();
    this.#known.set(key, user);
    return user;
  }

  /** The last component is not followed: a link that the container made there counts as an /etc of its own. */
  #hasOwnEtc(id: string): boolean {
    const { base, upper } = this.#snapshots.get(id);
    return entryKind(`${base}/${upper}/etc`) !== "missing";
  }

  #read(id: string, spec: string): ResolvedUser {
    const root = this.#snapshots.openRoot({ key: id });
    try {
      return this.#lookup(root, spec);
    } finally {
      root.close();
    }
  }
}
