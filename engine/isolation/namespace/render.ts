/** A plan as text: one record a line, for logs, for people and for golden tests. Pure. */
import type { LaunchPlan, OpRecord } from "../../../native/protocol.ts";

const HEX_FIELDS: ReadonlySet<string> = new Set([
  "flags",
  "attributes",
  "propagation",
  "namespace",
  "namespaces",
  "bounding",
  "permitted",
  "effective",
  "inheritable",
  "ambient",
]);
const OCTAL_FIELDS: ReadonlySet<string> = new Set(["mode", "mask"]);

function value(field: string, content: unknown): string {
  if (content instanceof Uint8Array) return `<${content.length} bytes>`;
  if (typeof content === "number" || typeof content === "bigint") {
    if (HEX_FIELDS.has(field)) return `0x${content.toString(16)}`;
    return OCTAL_FIELDS.has(field) ? `0${content.toString(8)}` : String(content);
  }
  return JSON.stringify(content);
}

export function renderRecord(record: OpRecord): string {
  const { op, ...fields } = record;
  return [op, ...Object.entries(fields).map(([field, content]) => `${field}=${value(field, content)}`)].join(" ");
}

export const render = (plan: LaunchPlan): string => `${plan.map(renderRecord).join("\n")}\n`;
