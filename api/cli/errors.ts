/** How a command ends other than by returning a status. `app.ts` prints these and makes the exit status. */

/** `message` may be empty: then only the status matters, everything has been said. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: number;
  readonly hint: string | undefined;

  constructor(
    status: number,
    message: string,
    options: { readonly cause?: unknown; readonly hint?: string | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.hint = options.hint;
  }
}

/** Wrong number or kind of arguments: exits 1 with the usage line. */
export class ArgumentError extends Error {
  override readonly name = "ArgumentError";
}
