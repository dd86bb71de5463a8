/** The raw socket of an attach or exec after the HTTP part is over. */
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { Connection } from "./answer.ts";

/** A peer that never closes its side after we have closed ours is cut off after this. */
const LINGER_MS = 10_000;

/**
 * `source` is where the client's bytes come from: the socket, or the request when its body is chunked. `early` are bytes
 * of that direction that have been read already.
 */
export function openConnection(socket: Socket, source: Readable, early: Uint8Array = new Uint8Array()): Connection {
  const gone = new AbortController();
  socket.on("error", () => {}); // "close" follows and says all there is to say
  if (socket.destroyed) gone.abort();
  socket.once("close", () => gone.abort());
  socket.setNoDelay?.(true);
  let reading = false;
  const consume = (chunk: (bytes: Uint8Array) => Promise<void> | void, end: () => Promise<void> | void): void => {
    if (reading) return;
    reading = true;
    void readAll(source, early, chunk).then(end, () => {});
  };
  return {
    signal: gone.signal,
    read: consume,
    discard: () =>
      consume(
        () => {},
        () => {},
      ),
    write: (bytes) => write(socket, bytes),
    end: () => {
      if (socket.destroyed) return;
      socket.end();
      const timer = setTimeout(() => socket.destroy(), LINGER_MS);
      timer.unref();
      socket.once("close", () => clearTimeout(timer));
    },
  };
}

async function readAll(
  source: Readable,
  early: Uint8Array,
  chunk: (bytes: Uint8Array) => Promise<void> | void,
): Promise<void> {
  if (early.length > 0) await chunk(early);
  for await (const bytes of source.iterator({ destroyOnReturn: false })) await chunk(bytes as Uint8Array);
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.writableEnded) return Promise.reject(new Error("the client has gone away"));
  if (socket.write(bytes)) return Promise.resolve();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const drained = (): void => {
    socket.removeListener("close", closed);
    resolve();
  };
  const closed = (): void => {
    socket.removeListener("drain", drained);
    reject(new Error("the client has gone away"));
  };
  socket.once("drain", drained);
  socket.once("close", closed);
  return promise;
}
