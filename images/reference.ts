/** Image references with Docker's grammar, normalisation and texts (docker-api.md §8.1). */
import { invalid } from "../engine/base/errors.ts";
import { type Digest, isDigest } from "./digest.ts";

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DOMAIN = "index.docker.io";
const OFFICIAL = "library/";
const NAME_MAX = 255;

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const TAG = "[\\w][\\w.-]{0,127}";
const DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const REFERENCE = new RegExp(`^(${DOMAIN})/(${COMPONENT}(?:/${COMPONENT})*)(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const TAG_ONLY = new RegExp(`^${TAG}$`);
/** No component can be matched in more ways than one, but an absurd input is refused before any regular expression sees it. */
const TEXT_MAX = 1024;

export interface Reference {
  /** "docker.io", "localhost:5000" … */
  readonly domain: string;
  /** "library/alpine" */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
  /** As people write it: `alpine:3`, `alpine`, `ghcr.io/a/b@sha256:…`. */
  familiar(): string;
  /** `docker.io/library/alpine:3` */
  canonical(): string;
  /** `alpine`, `ghcr.io/a/b`: without tag and digest. */
  familiarName(): string;
  /** `docker.io/library/alpine` */
  name(): string;
  /** With tag `latest` when there is neither tag nor digest. */
  tagged(): Reference;
  withTag(tag: string): Reference;
}

const badFormat = (text: string, message = "invalid reference format") =>
  invalid("image.bad_reference", message, { details: { reference: text.slice(0, 300) } });

class NamedReference implements Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;

  constructor(domain: string, path: string, tag: string | undefined, digest: Digest | undefined) {
    this.domain = domain;
    this.path = path;
    if (tag !== undefined) this.tag = tag;
    if (digest !== undefined) this.digest = digest;
    Object.freeze(this);
  }
  name(): string {
    return `${this.domain}/${this.path}`;
  }
  familiarName(): string {
    if (this.domain !== DEFAULT_DOMAIN) return this.name();
    const rest = this.path.startsWith(OFFICIAL) ? this.path.slice(OFFICIAL.length) : this.path;
    // "docker.io/library/a/b" must keep its prefix: "a/b" would be read back as docker.io/a/b.
    return rest.includes("/") ? this.path : rest;
  }
  familiar(): string {
    return this.familiarName() + this.#suffix();
  }
  canonical(): string {
    return this.name() + this.#suffix();
  }
  tagged(): Reference {
    return this.tag === undefined && this.digest === undefined ? this.withTag("latest") : this;
  }
  withTag(tag: string): Reference {
    if (!TAG_ONLY.test(tag)) throw badFormat(tag, "invalid tag format");
    return new NamedReference(this.domain, this.path, tag, undefined);
  }
  #suffix(): string {
    return (this.tag === undefined ? "" : `:${this.tag}`) + (this.digest === undefined ? "" : `@${this.digest}`);
  }
}

function splitDomain(text: string): readonly [domain: string, rest: string] {
  const slash = text.indexOf("/");
  if (slash === -1) return [DEFAULT_DOMAIN, OFFICIAL + text];
  const first = text.slice(0, slash);
  let [domain, rest] = [DEFAULT_DOMAIN, text];
  if (first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first)
    [domain, rest] = [first, text.slice(slash + 1)];
  if (domain === LEGACY_DOMAIN) domain = DEFAULT_DOMAIN;
  return [domain, domain === DEFAULT_DOMAIN && !rest.includes("/") ? OFFICIAL + rest : rest];
}

/** Parses what a user wrote. Errors are `invalid` with Docker's texts. A bare 64-hex name is refused (it would be an id). */
export function parseReference(text: string): Reference {
  if (text.length > TEXT_MAX) throw badFormat(text);
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw badFormat(text, `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [domain, rest] = splitDomain(text);
  const colon = rest.indexOf(":");
  const remote = colon === -1 ? rest : rest.slice(0, colon);
  if (remote.toLowerCase() !== remote) {
    throw badFormat(text, `invalid reference format: repository name (${remote}) must be lowercase`);
  }
  const match = REFERENCE.exec(`${domain}/${rest}`);
  const [, matchedDomain, path, tag, digest] = match ?? [];
  if (matchedDomain === undefined || path === undefined) throw badFormat(text);
  if (matchedDomain.length + 1 + path.length > NAME_MAX) {
    throw badFormat(text, `repository name must not be more than ${NAME_MAX} characters`);
  }
  if (digest !== undefined && !isDigest(digest)) throw badFormat(text, digestComplaint(digest));
  return new NamedReference(matchedDomain, path, tag, digest as Digest | undefined);
}

const digestComplaint = (digest: string): string =>
  /^sha(256|512):/.test(digest) ? "invalid reference format: invalid checksum digest" : "unsupported digest algorithm";
