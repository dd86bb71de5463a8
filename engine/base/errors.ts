/**
 * Few kinds, many codes (architecture §7.8). A kind decides the HTTP status (`api/server/errors.ts`), a code names the
 * case for programs, the message names the user's own argument in a lower-case phrase.
 */
export const ERROR_KINDS = [
  "invalid",
  "not_found",
  "conflict",
  "not_modified",
  "unauthorized",
  "forbidden",
  "unsupported",
  "unavailable",
  "cancelled",
  "internal",
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

export interface ErrorOptions {
  readonly cause?: unknown;
  /** What the user can do next, one sentence; printed by `ctr` below the message. */
  readonly hint?: string;
  /** Facts for programs: the argument, the path, the errno. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** Every error that may reach a user. `code` is `area.case`, e.g. "container.name_in_use". */
export class TareError extends Error {
  override readonly name = "TareError";
  readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

type Make = (code: string, message: string, options?: ErrorOptions) => TareError;
const maker =
  (kind: ErrorKind): Make =>
  (code, message, options) =>
    new TareError(kind, code, message, options);

export const invalid = maker("invalid");
export const notFound = maker("not_found");
export const conflict = maker("conflict");
export const notModified = maker("not_modified");
export const unauthorized = maker("unauthorized");
export const forbidden = maker("forbidden");
export const unsupported = maker("unsupported");
export const unavailable = maker("unavailable");
export const cancelled = maker("cancelled");
export const internal = maker("internal");

export const isKind = (error: unknown, kind: ErrorKind): error is TareError =>
  error instanceof TareError && error.kind === kind;

/** errno name of a Node or shim error, e.g. "ENOENT". */
export const errnoCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
