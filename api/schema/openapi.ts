/** The route table as an OpenAPI 3.1 document. Plain data in, plain data out; its golden is reviewed like code. */
import type { TSchema } from "./common.ts";
import { ErrorReply } from "./common.ts";
import type { QueryParam, Route } from "./route.ts";
import { allRoutes } from "./routes.ts";
import { API_VERSION, PRODUCT_VERSION } from "./version.ts";

type Json = Readonly<Record<string, unknown>>;

export function openApi(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [id, route] of Object.entries(allRoutes)) {
    paths[route.path] ??= {};
    (paths[route.path] as Record<string, Json>)[route.method.toLowerCase()] = operation(id, route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Tare",
      version: PRODUCT_VERSION,
      description: `Docker Engine API ${API_VERSION}. Every path may be prefixed with /v1.24 to /v${API_VERSION}.`,
    },
    paths,
  };
}

function operation(id: string, route: Route): Json {
  const parameters = [...pathParameters(route.path), ...queryParameters(route)];
  return {
    operationId: id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.since === undefined ? {} : { "x-since": route.since }),
    ...(route.extension === true ? { "x-extension": true } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(route),
    responses: responses(route),
  };
}

const pathParameters = (path: string): readonly Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));

const queryParameters = (route: Route): readonly Json[] =>
  Object.entries(route.query ?? {}).map(([name, param]) => ({
    name,
    in: "query",
    description: param.about,
    schema: querySchema(param),
  }));

function querySchema(param: QueryParam): Json {
  switch (param.kind) {
    case "bool":
      return { type: "boolean", default: param.absent };
    case "int":
      return { type: "integer" };
    case "list":
      return { type: "array", items: { type: "string" } };
    case "text":
    case "filters":
      return { type: "string" };
  }
}

function requestBody(route: Route): Json {
  if (route.upload !== undefined) return { requestBody: { content: { [route.upload]: {} } } };
  if (route.body === undefined) return {};
  const schema = withoutRequired(route.body);
  return { requestBody: { required: route.bodyOptional !== true, content: { "application/json": { schema } } } };
}

/** Requests may leave out any field; only replies promise theirs. */
function withoutRequired(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutRequired);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).filter(([key, value]) => !(key === "required" && Array.isArray(value)));
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutRequired(value)]));
}

const mediaTypes: Readonly<Record<Route["reply"], string | null>> = {
  json: "application/json",
  lines: "application/json",
  progress: "application/json",
  log: "application/vnd.docker.multiplexed-stream",
  hijack: "application/vnd.docker.raw-stream",
  tar: "application/x-tar",
  plain: "text/plain",
  empty: null,
};

function responses(route: Route): Json {
  const failure = errorResponse();
  if (route.refused !== undefined)
    return { [route.refused.status]: { ...failure, description: route.refused.message } };
  const statuses = [400, ...(route.errors ?? []), 500].filter((status) => status !== 304);
  return {
    [route.status]: { description: "success", ...content(mediaTypes[route.reply], route.replySchema) },
    ...(route.errors?.includes(304) === true ? { 304: { description: "nothing to do" } } : {}),
    ...Object.fromEntries(statuses.map((status) => [status, failure])),
  };
}

const errorResponse = (): Json => ({ description: "error", ...content("application/json", ErrorReply) });

function content(mediaType: string | null, schema: TSchema | undefined): Json {
  if (mediaType === null) return {};
  return { content: { [mediaType]: schema === undefined ? {} : { schema } } };
}
