/** One thing wrong with a request. All are collected before any is reported. */
export interface Problem {
  /** Becomes "container.<code>". */
  readonly code: string;
  /** The field of the request, in the wire's words. */
  readonly argument: string;
  /** Docker's words. */
  readonly message: string;
}
export const problem = (code: string, argument: string, message: string): Problem => ({ code, argument, message });
