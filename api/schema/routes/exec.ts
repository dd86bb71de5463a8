import { IdReply } from "../common.ts";
import { ExecCreateBody, ExecInspect, ExecStartBody } from "../exec.ts";
import { type Route, str } from "../route.ts";

const tag = "Exec";

// biome-ignore format: one row per endpoint
export const execRoutes = {
  ContainerExec: { method: "POST", path: "/containers/{id}/exec", tag, summary: "Create an exec", status: 201, reply: "json", body: ExecCreateBody, replySchema: IdReply, errors: [404, 409] },
  ExecStart: { method: "POST", path: "/exec/{id}/start", tag, summary: "Start an exec", status: 101, reply: "hijack", body: ExecStartBody, bodyOptional: true, errors: [404, 409] },
  ExecResize: { method: "POST", path: "/exec/{id}/resize", tag, summary: "Resize its terminal", status: 200, reply: "empty", query: { h: str("rows"), w: str("columns") }, errors: [404] },
  ExecInspect: { method: "GET", path: "/exec/{id}/json", tag, summary: "Inspect an exec", status: 200, reply: "json", replySchema: ExecInspect, errors: [404] },
} as const satisfies Readonly<Record<string, Route>>;
