/** JSON as Go prints it on this API: exact 64-bit integers, a newline at the end, no HTML escapes. */
const exact = JSON as unknown as { rawJSON(text: string): unknown };

/** A JSON number of any size: plain below 2^53, raw digits above. Typed as a number, which it is on the wire. */
export const int64 = (value: bigint): number =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : (exact.rawJSON(value.toString()) as number);

export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
export const progressLine = (value: unknown): string => `${JSON.stringify(value)}\r\n`;
