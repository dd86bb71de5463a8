/** Engine events → the lines of GET /events, and the filters of that endpoint. Pure. */
import type { EngineEvent } from "../../../engine/index.ts";
import type { ApiVersion, EventMessage, Filters } from "../../schema/index.ts";
import { anyOf, hasLabel, valuesFor } from "../filters.ts";
import { int64 } from "../json.ts";

export function wireEvent(event: EngineEvent, api: ApiVersion): EventMessage {
  const legacy = api < 52 && (event.type === "container" || event.type === "image");
  const from = event.type === "container" ? event.attributes["image"] : undefined;
  return {
    ...(legacy ? { status: event.action, id: event.actorId, ...(from === undefined ? {} : { from }) } : {}),
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.actorId, Attributes: { ...event.attributes } },
    scope: "local",
    time: Number(event.timeNano / 1_000_000_000n),
    timeNano: int64(event.timeNano),
  };
}

const PREFIX_ACTIONS = ["health_status", "exec_create", "exec_start"];

export function eventMatches(event: EngineEvent, filters: Filters): boolean {
  const scopeOk = anyOf(filters, "scope", (value) => value === "local");
  const typeOk = anyOf(filters, "type", (value) => value === event.type);
  const labelsOk = valuesFor(filters, "label").every((wanted) => hasLabel(event.attributes, wanted));
  return (
    scopeOk &&
    typeOk &&
    labelsOk &&
    actionMatches(event, filters) &&
    imageMatches(event, filters) &&
    actorsMatch(event, filters)
  );
}

/** Exact, except that these three stand for all their forms when they are named without a colon. */
function actionMatches(event: EngineEvent, filters: Filters): boolean {
  const prefixed = valuesFor(filters, "event").some((value) => PREFIX_ACTIONS.includes(value));
  return anyOf(filters, "event", (value) =>
    prefixed ? event.action === value || event.action.startsWith(value) : event.action === value,
  );
}

const ACTORS = ["container", "network", "volume", "plugin", "daemon", "service", "node", "secret", "config"];

function actorsMatch(event: EngineEvent, filters: Filters): boolean {
  return ACTORS.every((type) =>
    anyOf(filters, type, (value) => {
      if (event.type !== type) return false;
      return event.actorId.startsWith(value) || (event.attributes["name"] ?? "").startsWith(value.replace(/^\//, ""));
    }),
  );
}

function imageMatches(event: EngineEvent, filters: Filters): boolean {
  const name = event.type === "image" ? (event.attributes["name"] ?? "") : (event.attributes["image"] ?? "");
  return anyOf(filters, "image", (value) => {
    if (event.type === "image" && event.actorId === value) return true;
    return name !== "" && (name === value || stripTag(name) === value || stripTag(name) === stripTag(value));
  });
}

function stripTag(name: string): string {
  const at = name.split("@")[0] ?? name;
  const colon = at.lastIndexOf(":");
  return colon > at.lastIndexOf("/") ? at.slice(0, colon) : at;
}
