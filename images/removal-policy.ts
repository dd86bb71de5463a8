/**
 * Docker's rules for removing an image (docker-api.md §8.3), as a pure function from what is known to what is to be done.
 * Texts are Docker's; clients match on them.
 */
import { conflict, type TareError } from "../engine/base/errors.ts";
import { digestHex, type Digest } from "./digest.ts";
import type { Reference } from "./reference.ts";
import type { ImageUsers } from "./types.ts";

export interface RemovalWorld {
  /** All names of the image. */
  references(id: Digest): readonly Reference[];
  /** "" = none */
  parent(id: Digest): string;
  children(id: Digest): readonly string[];
  users(id: Digest): ImageUsers;
}

export type RemovalStep = { readonly untag: Reference; readonly id: Digest } | { readonly delete: Digest };

export interface RemovalRequest {
  readonly id: Digest;
  /** The name the user gave; null when an id was given. */
  readonly name: Reference | null;
  /** As typed, for the message. */
  readonly ref: string;
  readonly force: boolean;
  readonly noPrune: boolean;
}

interface Conflict {
  readonly hard: boolean;
  readonly message: string;
}

const short = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

const refusal = (id: Digest, { hard, message }: Conflict): TareError =>
  conflict(
    "image.in_use",
    `conflict: unable to delete ${short(digestHex(id))} (${hard ? "cannot be forced" : "must be forced"}) - ${message}`,
    {
      details: { image: id },
    },
  );

/** One tag and the digest references of the same repository count as one. */
function isSingle(references: readonly Reference[]): boolean {
  if (references.length <= 1) return true;
  const tagged = references.filter(({ digest }) => digest === undefined);
  if (tagged.length > 1) return false;
  const repositories = new Set(
    references.filter(({ digest }) => digest !== undefined).map((reference) => reference.name()),
  );
  const main = tagged[0] ?? references[0];
  return repositories.size === 1 && main !== undefined && repositories.has(main.name());
}

export function planRemoval(world: RemovalWorld, request: RemovalRequest): RemovalStep[] {
  const { id, name, force } = request;
  const references = world.references(id);
  const steps: RemovalStep[] = [];
  if (name !== null) {
    if (!force && isSingle(references)) refuseUsed(world, request);
    const gone = untaggedBy(name, references);
    steps.push(...gone.map((reference) => ({ untag: reference, id })));
    if (references.length > gone.length) return steps;
  } else if (isSingle(references)) {
    const found = findConflict(world, id, {
      ignore: new Set(),
      soft: !force,
      references: 0,
      children: world.children(id),
    });
    if (found !== null) throw refusal(id, found);
    steps.push(...references.map((reference) => ({ untag: reference, id })));
  }
  deleteImage(world, { ...request, id }, steps, new Set(), { force, quiet: name !== null, removed: steps.length });
  return steps;
}

function refuseUsed(world: RemovalWorld, { id, ref }: RemovalRequest): void {
  const { running, stopped } = world.users(id);
  const user = running[0] ?? stopped[0];
  if (user === undefined) return;
  const message = `conflict: unable to remove repository reference ${JSON.stringify(ref)} (must force) - container ${short(user)} is using its referenced image ${short(id)}`;
  throw conflict("image.in_use", message, { details: { image: id, container: user } });
}

/** The reference itself; with the last tag of a repository also that repository's digest references. */
function untaggedBy(name: Reference, references: readonly Reference[]): Reference[] {
  const own = references.filter((reference) => reference.canonical() === name.canonical());
  if (name.digest !== undefined) return own;
  const rest = references.filter(
    (reference) => reference.canonical() !== name.canonical() && reference.name() === name.name(),
  );
  return rest.some(({ digest }) => digest === undefined) ? own : [...own, ...rest];
}

interface ConflictScope {
  readonly ignore: ReadonlySet<string>;
  /** Also look for what force overrides. */
  readonly soft: boolean;
  /** How many references are left. */
  readonly references: number;
  readonly children: readonly string[];
}

function findConflict(world: RemovalWorld, id: Digest, scope: ConflictScope): Conflict | null {
  if (scope.children.some((child) => !scope.ignore.has(child))) {
    return { hard: true, message: "image has dependent child images" };
  }
  const { running, stopped } = world.users(id);
  if (running[0] !== undefined)
    return { hard: true, message: `image is being used by running container ${short(running[0])}` };
  if (!scope.soft) return null;
  if (scope.references > 0) return { hard: false, message: "image is referenced in multiple repositories" };
  if (stopped[0] !== undefined)
    return { hard: false, message: `image is being used by stopped container ${short(stopped[0])}` };
  return null;
}

interface DeleteMode {
  readonly force: boolean;
  /** A conflict leaves the image instead of failing. */
  readonly quiet: boolean;
  /** References that earlier steps took away. */
  readonly removed: number;
}

/** Deletes the image, then its untagged parents that have no other child. */
function deleteImage(
  world: RemovalWorld,
  request: RemovalRequest,
  steps: RemovalStep[],
  deleted: Set<string>,
  mode: DeleteMode,
): void {
  const { id } = request;
  const references = world.references(id);
  const left = references.length - mode.removed;
  const found = findConflict(world, id, {
    ignore: deleted,
    soft: !mode.force,
    references: left,
    children: world.children(id),
  });
  if (found !== null) {
    // An image that just lost its last name but is still used, or has children, stays without a name.
    if (mode.quiet) return;
    throw refusal(id, found);
  }
  if (mode.removed === 0) steps.push(...references.map((reference) => ({ untag: reference, id })));
  steps.push({ delete: id });
  deleted.add(id);
  const parent = world.parent(id);
  if (request.noPrune || parent === "") return;
  deleteImage(world, { ...request, id: parent as Digest, name: null }, steps, deleted, {
    force: false,
    quiet: true,
    removed: 0,
  });
}
