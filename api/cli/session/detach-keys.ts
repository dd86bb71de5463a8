/** The key sequence that leaves a terminal session: "ctrl-p,ctrl-q", single characters, or DEL. */
import { StatusError } from "../errors.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";
const CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

/** Throws StatusError 125. */
export function parseDetachKeys(text: string): readonly number[] {
  return (text === "" ? DEFAULT_DETACH_KEYS : text).split(",").map((key) => {
    if (key === "DEL") return 127;
    const control = /^ctrl-(.)$/.exec(key)?.[1];
    const code = control === undefined ? -1 : CONTROL.indexOf(control);
    if (code >= 0) return code;
    if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    throw new StatusError(125, `invalid detach keys (${text}) provided: Unknown character: '${key}'`);
  });
}

const EMPTY = Buffer.alloc(0);

/** Passes input through; holds back what may be the beginning of the sequence. */
export class DetachScanner {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** Bytes for the container, and whether the sequence is complete (what follows it is dropped). */
  push(chunk: Buffer): { readonly data: Buffer; readonly detached: boolean } {
    if (this.#matched === 0 && !chunk.includes(this.#keys[0] ?? -1)) return { data: chunk, detached: false };
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length)
          return { data: out.length === 0 ? EMPTY : Buffer.from(out), detached: true };
        continue;
      }
      out.push(...this.#keys.slice(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) out.push(byte);
    }
    return { data: Buffer.from(out), detached: false };
  }
}
