/**
 * The key sequence that ends an attach without touching the process. A scanner is fed stdin; it holds back a partial
 * match and replays it when the sequence breaks, so that nothing typed is lost.
 */
import { invalid } from "../../engine/index.ts";

const DEFAULT_KEYS = Uint8Array.of(16, 17);
const CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

/** "ctrl-p,ctrl-q", "a,b", "DEL"; "" = the default. */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === "") return DEFAULT_KEYS;
  const bytes = text.split(",").map(keyByte);
  if (bytes.includes(-1)) throw invalid("api.bad_detach_keys", `Invalid detach keys (${text}) provided`);
  return Uint8Array.from(bytes);
}

function keyByte(name: string): number {
  if (name === "DEL") return 127;
  if (/^[\x20-\x7e]$/.test(name)) return name.charCodeAt(0);
  const match = /^ctrl-(.)$/.exec(name);
  return match === null ? -1 : CONTROL.indexOf(match[1]?.toLowerCase() ?? "");
}

export interface Scanned {
  /** Bytes that may go on to the process. */
  readonly pass: Uint8Array;
  readonly detached: boolean;
}

export class DetachScanner {
  readonly #keys: Uint8Array;
  #held = 0;
  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  push(chunk: Uint8Array): Scanned {
    const first = this.#keys[0] ?? -1;
    if (this.#held === 0 && !chunk.includes(first)) return { pass: chunk, detached: false };
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#held]) {
        out.push(...this.#keys.subarray(0, this.#held));
        this.#held = 0;
      }
      if (byte === this.#keys[this.#held]) this.#held++;
      else out.push(byte);
      if (this.#held === this.#keys.length) return { pass: Uint8Array.from(out), detached: true };
    }
    return { pass: Uint8Array.from(out), detached: false };
  }
}
