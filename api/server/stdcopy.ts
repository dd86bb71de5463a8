/** Docker's stream multiplexing: an 8-byte header [stream, 0, 0, 0, length big-endian] before each chunk. */
export const STREAM = { stdin: 0, stdout: 1, stderr: 2, systemError: 3 } as const;
export type StreamNumber = (typeof STREAM)[keyof typeof STREAM];

export function frame(stream: StreamNumber, payload: string | Uint8Array): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const out = Buffer.allocUnsafe(8 + bytes.length);
  out.writeUInt32BE(stream << 24, 0);
  out.writeUInt32BE(bytes.length, 4);
  out.set(bytes, 8);
  return out;
}
