/**
 * One generic client for every row of the routes table. A route is named by its key, "GET /containers/{id}/json"; the
 * method and the path come from the key itself, so that nothing of the schema is loaded at run time.
 */
import { DEFAULT_HOST, parseHost } from "./host.ts";
import { jsonLines } from "./json-stream.ts";
import { type Answer, type Duplex, type Request, Transport } from "./transport.ts";
import type { CallArguments, CallOptions, Reply, RouteKey } from "./wire.ts";

/** Escapes a value but keeps the slashes and colons of an image name: routes are greedy (docker-api.md §1). */
const escapeSegment = (value: string): string =>
  encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%40", "@");

/** "GET /a/{id}" with {id: "x"} → ["GET", "/a/x"]. */
export function expandRoute(key: string, parameters: Readonly<Record<string, string>> = {}): [string, string] {
  const space = key.indexOf(" ");
  const path = key.slice(space + 1).replace(/\{(\w+)\}/g, (_whole, name: string) => {
    const value = parameters[name];
    if (value === undefined || value.trim() === "") throw new Error(`invalid ${name}: the name is empty`);
    // "." and ".." would be resolved as path steps by whoever sits between.
    return value
      .split("/")
      .map((step) => (step === "." || step === ".." ? step.replaceAll(".", "%2E") : escapeSegment(step)))
      .join("/");
  });
  return [key.slice(0, space), path];
}

/**
 * The text of integers beyond 2^53 is kept, so that what is printed is what was sent ("unlimited" is 2^64-1 at places).
 * Such values are opaque bigints: print them, do not calculate with them.
 */
export function parseJson(text: string): unknown {
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value !== "number" || Number.isSafeInteger(value) || context?.source === undefined) return value;
    return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
  };
  // The third parameter is newer than the library's types.
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
}

interface LooseOptions {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const encodeFilters = (filters: Readonly<Record<string, readonly string[]>>): string | undefined => {
  const entries = Object.entries(filters);
  if (entries.length === 0) return undefined;
  return JSON.stringify(
    Object.fromEntries(entries.map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))])),
  );
};

function encodeValue(value: unknown): string | readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value ? "1" : "0";
  if (Array.isArray(value)) return value as readonly string[];
  if (typeof value === "object") return encodeFilters(value as Readonly<Record<string, readonly string[]>>);
  return String(value);
}

function toRequest(key: string, options: LooseOptions = {}): Request {
  const [method, path] = expandRoute(key, options.path);
  const query = Object.fromEntries(
    Object.entries(options.query ?? {}).map(([name, value]) => [name, encodeValue(value)]),
  );
  const { headers, signal } = options;
  if (options.body === undefined) return { method, path, query, headers, signal };
  const body = Buffer.from(JSON.stringify(options.body));
  return { method, path, query, headers: { "Content-Type": "application/json", ...headers }, body, signal };
}

export async function readText(answer: Answer): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

const parseReply = (text: string): unknown => (text.trim() === "" ? undefined : parseJson(text));

export class Client {
  readonly #transport: Transport;

  /** `host` as given by the user; throws HostError. Connects at the first call. */
  constructor(host: string = DEFAULT_HOST) {
    this.#transport = new Transport(parseHost(host));
  }

  get host(): string {
    return this.#transport.endpoint.url;
  }

  close(): void {
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The answer with its body unread. Every verb throws ApiError, ConnectionError, or the signal's reason. */
  open<K extends RouteKey>(key: K, ...[options]: CallArguments<K>): Promise<Answer> {
    return this.#transport.request(toRequest(key, options));
  }

  /** The body as text, for those who print it as it is. */
  async text<K extends RouteKey>(key: K, ...[options]: CallArguments<K>): Promise<string> {
    return readText(await this.#transport.request(toRequest(key, options)));
  }

  /** The JSON of the answer; undefined when it has no body (204, 304). */
  async call<K extends RouteKey>(key: K, ...[options]: CallArguments<K>): Promise<Reply<K>> {
    return parseReply(await readText(await this.#transport.request(toRequest(key, options)))) as Reply<K>;
  }

  /** Like `call`, in two steps: the outer promise settles with the headers, the inner one with the value. */
  async begin<K extends RouteKey>(
    key: K,
    ...[options]: CallArguments<K>
  ): Promise<{ readonly value: Promise<Reply<K>> }> {
    const answer = await this.#transport.request(toRequest(key, options));
    return { value: readText(answer).then((text) => parseReply(text) as Reply<K>) };
  }

  /** Values of a JSON stream as they come. Resolves with the headers. */
  async stream<K extends RouteKey>(key: K, ...[options]: CallArguments<K>): Promise<AsyncGenerator<Reply<K>>> {
    return jsonLines<Reply<K>>((await this.#transport.request(toRequest(key, options))).body);
  }

  /** Sends a stream as the request's body; the answer is a JSON stream. */
  async upload<K extends RouteKey>(
    key: K,
    content: AsyncIterable<Buffer>,
    ...[options]: CallArguments<K>
  ): Promise<AsyncGenerator<Reply<K>>> {
    const request = toRequest(key, options);
    const headers = { ...request.headers, "Content-Type": "application/x-tar" };
    return jsonLines<Reply<K>>((await this.#transport.request({ ...request, headers, body: content })).body);
  }

  /** Both directions of an attach or exec start. */
  hijack<K extends RouteKey>(key: K, ...[options]: CallArguments<K>): Promise<Duplex> {
    return this.#transport.hijack(toRequest(key, options));
  }
}

export type { CallOptions };
