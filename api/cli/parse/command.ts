/** A command as data. What it does is a function of its invocation and the context: it never looks at process globals. */
import type { Context } from "../context.ts";
import type { CompletionSource, FlagTable, Values } from "./flag.ts";

export interface Invocation<F extends FlagTable> {
  /** As typed, e.g. "ctr container ls": errors and usage lines name it. */
  readonly name: string;
  readonly flags: Values<F>;
  /** Flags the user gave, whatever their value. */
  readonly changed: ReadonlySet<string>;
  readonly args: readonly string[];
  readonly context: Context;
}

export interface Command<F extends FlagTable = FlagTable> {
  /** Words after the name: "[OPTIONS] CONTAINER [CONTAINER...]". */
  readonly synopsis: string;
  readonly summary: string;
  readonly flags: F;
  readonly args: { readonly min: number; readonly max: number };
  /** False for run, exec and the like: flags after the first argument belong to the program in the container. */
  readonly interspersed?: boolean;
  /** What its arguments are; the last one repeats. */
  readonly complete?: readonly CompletionSource[];
  readonly examples?: readonly (readonly [command: string, meaning: string])[];
  /** Exit status. */
  run(invocation: Invocation<F>): Promise<number>;
}

/** Keeps the types of the flag table inside, and forgets them outside. */
export const command = <F extends FlagTable>(definition: Command<F>): Command => definition as unknown as Command;
