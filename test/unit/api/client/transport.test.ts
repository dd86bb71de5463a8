import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ApiError, Client, ConnectionError } from "../../../../api/client/index.ts";

let folder: string;
let server: Server;
let sockets: Socket[];
let onRequest: (head: string, socket: Socket, rest: Buffer) => void;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ctr-client-"));
  sockets = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    let held = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      if (socket.listenerCount("taken") > 0) return;
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = held.subarray(0, end).toString();
      const rest = held.subarray(end + 4);
      held = Buffer.alloc(0);
      onRequest(head, socket, rest);
    });
  });
  server.listen(join(folder, "s"));
  await once(server, "listening");
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const client = () => new Client(`unix://${join(folder, "s")}`);
const json = (text: string, status = "200 OK"): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;

it("serves several calls on one connection, and closes it in the end", async () => {
  onRequest = (_head, socket) => socket.write(json('{"Id":"x"}'));
  {
    using one = client();
    for (let count = 0; count < 5; count++) await one.call("GET /containers/{id}/json", { path: { id: "x" } });
  }
  expect(sockets).toHaveLength(1);
  await once(sockets[0] as Socket, "end");
});

it("gives the daemon's message and status unchanged, with its hint", async () => {
  onRequest = (_head, socket) =>
    socket.write(json('{"message":"No such container: x","hint":"ctr ps -a lists them"}', "404 Not Found"));
  using one = client();
  const error = await one.call("GET /containers/{id}/json", { path: { id: "x" } }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 404, message: "No such container: x", hint: "ctr ps -a lists them" });
});

it("takes the hint from the daemon's header, which keeps Docker's one field in the body", async () => {
  onRequest = (_head, socket) =>
    socket.write(json('{"message":"in use"}', "409 Conflict\r\nTare-Hint: stop it first %E2%80%93 or 100%25"));
  using one = client();
  const error = await one.call("GET /containers/{id}/json", { path: { id: "x" } }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ status: 409, message: "in use", hint: "stop it first – or 100%" });
});

it("takes the text of a refused hijack that is not JSON", async () => {
  onRequest = (_head, socket) =>
    socket.end("HTTP/1.1 409 Conflict\r\nContent-Type: text/plain\r\n\r\ncontainer is paused\r\n");
  using one = client();
  await expect(one.hijack("POST /containers/{id}/attach", { path: { id: "x" } })).rejects.toMatchObject({
    status: 409,
    message: "container is paused",
  });
});

it("says which daemon is not there", async () => {
  using one = new Client(`unix://${join(folder, "nobody")}`);
  const error = await one.call("GET /info").catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error).toMatchObject({
    refused: true,
    code: "ENOENT",
    message: expect.stringContaining(join(folder, "nobody")),
  });
});

it("reports an answer that stops in the middle", async () => {
  onRequest = (_head, socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Id":');
  using one = client();
  await expect(one.call("GET /info")).rejects.toMatchObject({ name: "ConnectionError", refused: false });
});

it("repeats a GET once when the kept connection has died, never a POST", async () => {
  let count = 0;
  onRequest = (_head, socket) => {
    count++;
    if (count === 2) socket.destroy();
    else socket.write(json("{}"));
  };
  using one = client();
  await one.call("GET /info");
  await one.call("GET /info");
  expect(count).toBe(3);
  count = 1;
  await expect(one.call("POST /containers/{id}/start", { path: { id: "x" } })).rejects.toBeInstanceOf(ConnectionError);
  expect(count).toBe(2);
});

it("gives up with the reason of its signal while it waits for an answer", async () => {
  const asked = Promise.withResolvers<void>();
  onRequest = () => asked.resolve();
  using one = client();
  const abort = new AbortController();
  const call = one.call("POST /containers/{id}/wait", { path: { id: "x" }, signal: abort.signal });
  await asked.promise;
  abort.abort(new Error("enough"));
  await expect(call).rejects.toThrow("enough");
});

it("carries 4 MiB both ways on a hijacked connection, and output after the input's end", async () => {
  const size = 4 << 20;
  onRequest = (head, socket, rest) => {
    expect(head).toMatch(/^POST \/exec\/e\/start HTTP\/1.1\r\n/);
    expect(head).toMatch(/Upgrade: tcp/);
    const length = Number(/Content-Length: (\d+)/.exec(head)?.[1]);
    socket.on("taken", () => undefined);
    socket.write(
      "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly",
    );
    socket.write(rest.subarray(length));
    socket.on("data", (chunk: Buffer) => socket.write(chunk));
    socket.on("end", () => socket.end("late"));
  };
  using one = client();
  const duplex = await one.hijack("POST /exec/{id}/start", { path: { id: "e" }, body: { Detach: false, Tty: true } });
  expect(duplex.contentType).toBe("application/vnd.docker.raw-stream");
  const input = Buffer.alloc(size, "x");
  const writing = (async () => {
    for (let at = 0; at < size; at += 65536) await duplex.write(input.subarray(at, at + 65536));
    duplex.closeWrite();
  })();
  const chunks: Buffer[] = [];
  for await (const chunk of duplex.output) chunks.push(chunk);
  await writing;
  const all = Buffer.concat(chunks);
  expect(all.length).toBe(size + "early".length + "late".length);
  expect(all.subarray(-4).toString()).toBe("late");
});

it("reads a refusal that comes while the upload is still going on", async () => {
  onRequest = (_head, socket) => {
    socket.on("taken", () => undefined);
    socket.write(json('{"message":"not an archive"}', "400 Bad Request"));
  };
  using one = client();
  const endless = async function* () {
    for (;;) {
      yield Buffer.alloc(65536);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await expect(one.upload("POST /images/load", endless(), {})).rejects.toMatchObject({
    status: 400,
    message: "not an archive",
  });
});

it("streams JSON values as they come, across any cut", async () => {
  onRequest = (_head, socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const part of ['{"Type":"a', '"}\n{"Type":', '"b"}\n'])
      socket.write(`${part.length.toString(16)}\r\n${part}\r\n`);
    socket.write("0\r\n\r\n");
  };
  using one = client();
  const seen: string[] = [];
  for await (const event of await one.stream("GET /events")) seen.push((event as { Type: string }).Type);
  expect(seen).toEqual(["a", "b"]);
});
