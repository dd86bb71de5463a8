/**
 * Error kind → HTTP status, in one exhaustive map, and the body clients read: `{"message"}` and nothing else, because
 * clients match substrings of it. What `ctr` shows besides travels in headers of our own.
 */
import { type ErrorKind, TareError } from "../../engine/index.ts";

export const STATUS_OF_KIND = {
  invalid: 400,
  not_found: 404,
  conflict: 409,
  not_modified: 304,
  unauthorized: 401,
  forbidden: 403,
  unsupported: 501,
  unavailable: 503,
  cancelled: 500,
  internal: 500,
} as const satisfies Record<ErrorKind, number>;

export interface ErrorAnswer {
  readonly status: number;
  /** With its newline; "" for 304. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Header values are ASCII without control characters; anything else is percent-encoded. */
const headerSafe = (text: string): string => text.replace(/[^\x20-\x7e]|%/g, (one) => encodeURIComponent(one));

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function errorAnswer(error: unknown): ErrorAnswer {
  const status = error instanceof TareError ? STATUS_OF_KIND[error.kind] : 500;
  if (status === 304) return { status, body: "", headers: {} };
  return {
    status,
    body: `${JSON.stringify({ message: messageOf(error) })}\n`,
    headers: {
      "Content-Type": "application/json",
      ...(error instanceof TareError ? { "Tare-Error-Code": headerSafe(error.code) } : {}),
      ...(error instanceof TareError && error.hint !== undefined ? { "Tare-Hint": headerSafe(error.hint) } : {}),
    },
  };
}
