import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeFrame } from "../../api/server/websocket.ts";
import { frame, STREAM } from "../../api/server/stdcopy.ts";
import { RawClient } from "./raw-client.ts";
import { Served } from "./served.ts";

let api: Served;
beforeAll(async () => {
  api = await new Served().start();
  api.fake.add("web", { openStdin: true });
});
afterAll(() => api[Symbol.asyncDispose]());

test("attach over a websocket: plain bytes out, stdin in, close ends it", async () => {
  const client = await RawClient.connect(api.socket);
  client.send(
    "GET /containers/web/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const head = await client.head();
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  expect(head).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const session = api.fake.sessions[0];
  session?.output.write(frame(STREAM.stdout, "hello"));
  expect(await client.bytes(7)).toEqual(encodeFrame(2, Buffer.from("hello")));
  const received = once(session?.output ?? client.socket, "close");
  client.send(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])); // "hi", masked with zeros
  client.send(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
  await session?.stdinEnded.promise;
  expect(session?.text).toBe("hi");
  session?.output.end();
  await received;
  expect(await client.rest()).toEqual(encodeFrame(8, Buffer.from([0x03, 0xe8])));
  client.close();
});
