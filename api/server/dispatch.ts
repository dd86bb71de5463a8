/** From a request to its handler: version check, query, body, and the one place where errors become answers. */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { invalid, TareError } from "../../engine/index.ts";
import {
  type ApiVersion,
  CURRENT,
  API_VERSION,
  MIN_API_VERSION,
  MINIMUM,
  type OperationId,
  type Route,
  type TSchema,
} from "../schema/index.ts";
import type { Answer, Call, Handler, Handlers } from "./answer.ts";
import { checkContentType, parseBody, readAll } from "./body.ts";
import type { RewrittenPath } from "./path.ts";
import { parseQuery } from "./query.ts";

export interface Incoming {
  readonly route: Route;
  readonly path: RewrittenPath;
  readonly params: Readonly<Record<string, string>>;
  readonly req: IncomingMessage;
  /** The body's bytes, or null to read them from `req`. */
  readonly body: Buffer | null;
  readonly signal: AbortSignal;
}

/** Throws for everything that must not reach a handler. */
export async function dispatch(id: string, handlers: Handlers, incoming: Incoming): Promise<Answer> {
  const { route, path, req } = incoming;
  checkVersion(path);
  if (route.refused !== undefined) throw refusal(id, route.refused);
  const handler = handlers[id as keyof Handlers] as Handler<OperationId>;
  const question = path.url.indexOf("?");
  const values = new URLSearchParams(question < 0 ? "" : path.url.slice(question + 1));
  const body = await jsonBody(route, incoming);
  await addFormValues(route, req, values);
  const call = {
    params: incoming.params,
    query: parseQuery(route.query ?? {}, values),
    body,
    upload: req as Readable,
    headers: req.headers,
    api: path.api,
    signal: incoming.signal,
  };
  return handler(call as unknown as Call<OperationId>);
}

function checkVersion({ api, version }: { readonly api: ApiVersion; readonly version: string }): void {
  if (version === "") return;
  if (!/^\d+\.\d+$/.test(version)) throw invalid("api.bad_version", `invalid API version: ${version}`);
  if (api < MINIMUM) {
    throw invalid(
      "api.too_old",
      `client version ${version} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  }
  if (api > CURRENT) {
    throw invalid(
      "api.too_new",
      `client version ${version} is too new. Maximum supported API version is ${API_VERSION}`,
    );
  }
}

const REFUSED_KINDS = { 404: "not_found", 501: "unsupported", 503: "unavailable" } as const;
const refusal = (id: string, refused: NonNullable<Route["refused"]>): TareError =>
  new TareError(REFUSED_KINDS[refused.status], `api.refused.${id}`, refused.message);

const hasBody = (req: IncomingMessage): boolean =>
  req.headers["transfer-encoding"] !== undefined || Number(req.headers["content-length"] ?? 0) > 0;

async function jsonBody(route: Route, { req, body }: Incoming): Promise<unknown> {
  if (route.body === undefined) return undefined;
  checkContentType(req.headers["content-type"], hasBody(req));
  const bytes = body ?? (await readAll(req));
  if (bytes.length === 0) {
    if (route.bodyOptional === true) return undefined;
    throw invalid("api.no_body", "invalid JSON: got EOF while reading request body");
  }
  return parseBody(route.body as TSchema, bytes);
}

const MAX_FORM_BYTES = 64 * 1024;
/** Go reads form values from a urlencoded body too; the query string wins. */
async function addFormValues(route: Route, req: IncomingMessage, values: URLSearchParams): Promise<void> {
  if (route.body !== undefined || route.upload !== undefined || route.reply === "hijack") return;
  if (!(req.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded")) return;
  if (Number(req.headers["content-length"] ?? Number.NaN) > MAX_FORM_BYTES) return;
  for (const [name, value] of new URLSearchParams((await readAll(req)).toString())) values.append(name, value);
}
