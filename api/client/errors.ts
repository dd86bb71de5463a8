/** What a request can end with, apart from success. Callers match on the class and on `status`, people read `message`. */

/** The daemon answered with an error status. `message` is the daemon's text, unchanged: scripts match it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** What the user can do next, when the daemon knows. */
  readonly hint: string | undefined;

  constructor(status: number, message: string, hint?: string) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** No daemon could be reached, or it went away in the middle of an answer. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly host: string;
  /** True when no connection was made at all, so the request has had no effect. */
  readonly refused: boolean;
  /** errno name of the cause, e.g. "EACCES". */
  readonly code: string | undefined;

  constructor(host: string, message: string, options: { readonly cause?: unknown; readonly refused: boolean }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.host = host;
    this.refused = options.refused;
    const cause = options.cause;
    this.code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  }
}

/** The address given with -H, CTR_HOST or DOCKER_HOST cannot be used. */
export class HostError extends Error {
  override readonly name = "HostError";
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** The Tare-Hint header: ASCII, the rest percent-encoded. */
function decodeHint(header: string | undefined): string | undefined {
  try {
    return header === undefined ? undefined : decodeURIComponent(header);
  } catch {
    return header;
  }
}

/**
 * `body` is JSON `{"message"}`; anything else (an attach refused on the raw socket) is taken as text. `hintHeader` is what the
 * daemon put beside it: the body has Docker's one field only, since clients match on it.
 */
export function apiError(status: number, reason: string, body: string, hintHeader?: string): ApiError {
  let message = body.trim();
  let hint = decodeHint(hintHeader);
  try {
    const fields = asRecord(JSON.parse(body));
    if (typeof fields["message"] === "string") message = fields["message"];
    if (typeof fields["hint"] === "string") hint ??= fields["hint"];
  } catch {
    // Not JSON: the text itself is the message.
  }
  if (message === "") message = reason === "" ? `status ${status}` : reason;
  return new ApiError(status, message, hint);
}
