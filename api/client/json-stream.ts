/** Values of a JSON stream, one per line as every daemon of this API writes them. */

/** Bytes of one value; a longer one is an attack or a bug. */
const MAX_LINE_BYTES = 16 << 20;

export async function* jsonLines<T>(chunks: AsyncIterable<Buffer>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let held = "";
  for await (const chunk of chunks) {
    held += decoder.decode(chunk, { stream: true });
    const lines = held.split("\n");
    held = lines.pop() ?? "";
    if (held.length > MAX_LINE_BYTES) throw new Error("a value of the daemon's stream is too long");
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as T;
  }
  if (held.trim() !== "") yield JSON.parse(held) as T;
}
