/** What may come out of a compressed stream. Pure. */
import { invalid } from "../../engine/base/errors.ts";

export interface UnpackLimits {
  readonly maxEntries: number;
  /** Uncompressed bytes. */
  readonly maxBytes: number;
  /** Uncompressed bytes allowed whatever the blob's size; beyond them maxRatio counts. */
  readonly freeBytes: number;
  readonly maxRatio: number;
}
/** Legitimate layers reach 50:1; a bomb is stopped after at most freeBytes. */
export const DEFAULT_LIMITS: UnpackLimits = {
  maxEntries: 4_000_000,
  maxBytes: 2 ** 40,
  freeBytes: 2 ** 28,
  maxRatio: 250,
};

/** what: "the layer", "the archive". Throws invalid. */
export function checkSize(limits: UnpackLimits, what: string, outBytes: number, inBytes: number): void {
  if (outBytes > limits.maxBytes) throw bomb(`${what} unpacks to more than ${limits.maxBytes} bytes`);
  if (outBytes > limits.freeBytes && outBytes > inBytes * limits.maxRatio) {
    throw bomb(`${what} unpacks to more than ${limits.maxRatio} times its size (${outBytes} of ${inBytes} bytes)`);
  }
}

const bomb = (message: string) => invalid("layer.bomb", `${message}: refused as a decompression bomb`);
