import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { frame, STREAM } from "../../api/server/stdcopy.ts";
import { conflicting, type FakeSession } from "./fake-engine.ts";
import { RawClient } from "./raw-client.ts";
import { Served } from "./served.ts";

let api: Served;
let client: RawClient;
beforeEach(async () => {
  api = await new Served().start();
  api.fake.add("web", { openStdin: true, stdinOnce: true });
  api.fake.add("tty", { openStdin: true, tty: true });
  client = await RawClient.connect(api.socket);
});
afterEach(async () => {
  client.close();
  await api[Symbol.asyncDispose]();
});

const UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
const post = (path: string, headers = "", body: string | Buffer = ""): Buffer =>
  Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\nHost: docker\r\n${headers}\r\n`), Buffer.from(body as string)]);
const attachAll = "stream=1&stdin=1&stdout=1&stderr=1";
const session = (): FakeSession => {
  const [first] = api.fake.sessions;
  if (first === undefined) throw new Error("nothing was attached");
  return first;
};
const read = async (length: number): Promise<string> => {
  const { received } = session();
  while (Buffer.concat(received).length < length) await new Promise((resolve) => setImmediate(resolve));
  return session().text;
};

describe.each([
  ["with Upgrade", UPGRADE, /^HTTP\/1\.1 101 UPGRADED\r\n/, "application/vnd.docker.multiplexed-stream"],
  ["without Upgrade", "", /^HTTP\/1\.1 200 OK\r\n/, "application/vnd.docker.raw-stream"],
])("attach %s", (_title, headers, status, type) => {
  test("head, both directions, half-close", async () => {
    client.send(post(`/v1.51/containers/web/attach?${attachAll}`, headers));
    const head = await client.head();
    expect(head).toMatch(status);
    expect(head).toContain(`Content-Type: ${type}\r\n`);
    expect(head).not.toMatch(/content-length|transfer-encoding/i);
    client.send("hello");
    expect(await read(5)).toBe("hello");
    client.finish();
    await session().stdinEnded.promise;
    session().output.write(frame(STREAM.stdout, "still here\n")); // after the client's FIN
    session().output.end();
    expect((await client.rest()).toString()).toContain("still here\n");
  });

  test("4 MiB both ways at once, through a process that echoes", async () => {
    api.fake.onSession = (one) => {
      one.onWrite = (chunk) =>
        new Promise((resolve) =>
          one.output.write(frame(STREAM.stdout, chunk)) ? resolve() : one.output.once("drain", resolve),
        );
      void one.stdinEnded.promise.then(() => one.output.end());
    };
    client.send(post(`/containers/web/attach?${attachAll}`, headers));
    await client.head();
    const sent = Buffer.alloc(4 * 1024 * 1024, "0123456789abcdef");
    client.send(sent);
    client.finish();
    expect(unframe(await client.rest())).toEqual(sent);
  });

  test("errors come before the stream, as JSON", async () => {
    client.send(post("/containers/nope/attach?stream=1", headers));
    const head = await client.head();
    expect(head).toMatch(/^HTTP\/1\.1 404 /);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    expect(JSON.parse((await client.bytes(length)).toString())).toEqual({ message: "No such container: nope" });
  });

  test("a conflict too", async () => {
    api.fake.failures.set("attach", conflicting("container web is paused, unpause the container before attach"));
    client.send(post("/containers/web/attach?stream=1", headers));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 409 /);
  });

  test("a client that vanishes ends the session", async () => {
    client.send(post(`/containers/web/attach?${attachAll}`, headers));
    await client.head();
    client.close();
    // A unix socket has no reset: the next output finds nobody.
    session().output.write(Buffer.alloc(4 * 1024 * 1024));
    await session().closed.promise;
  });
});

describe("early bytes", () => {
  test("stdin in the packet of an upgrade request", async () => {
    client.send(post(`/containers/web/attach?${attachAll}`, UPGRADE, "early"));
    await client.head();
    expect(await read(5)).toBe("early");
  });
  test("a JSON body is not stdin (Content-Length)", async () => {
    client.send(
      post(`/containers/web/attach?${attachAll}`, `${UPGRADE}Content-Length: 15\r\n`, '{"stream":true}typed'),
    );
    await client.head();
    expect(await read(5)).toBe("typed");
  });
  test("a chunked body, in pieces", async () => {
    const request = post(
      `/containers/web/attach?${attachAll}`,
      `${UPGRADE}Transfer-Encoding: chunked\r\n`,
      "5\r\n{}   \r\n0\r\n\r\nabc",
    );
    for (const byte of request) {
      client.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.head();
    expect(await read(3)).toBe("abc");
  });
  test("stdin in the packet of a request without Upgrade", async () => {
    client.send(post(`/containers/web/attach?${attachAll}`, "", "early\n"));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 200 /);
    client.send("later\n");
    expect(await read(12)).toBe("early\nlater\n");
  });
  test("a chunked request without Upgrade carries stdin in chunks", async () => {
    client.send(post(`/containers/web/attach?${attachAll}`, "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"));
    await client.head();
    expect(await read(3)).toBe("abc");
    client.send("2\r\nde\r\n0\r\n\r\n");
    expect(await read(5)).toBe("abcde");
    await session().stdinEnded.promise;
    session().output.end(frame(STREAM.stdout, "bye"));
    expect(unframe(await client.rest()).toString()).toBe("bye");
  });
});

describe("terminal", () => {
  test("raw type, detach keys end the stream and not the process", async () => {
    client.send(post(`/containers/tty/attach?${attachAll}`, UPGRADE));
    expect(await client.head()).toContain("Content-Type: application/vnd.docker.raw-stream\r\n");
    client.send("ls\x10");
    client.send("\x11");
    await client.rest();
    expect(session().text).toBe("ls");
    expect(api.fake.events.map(({ action }) => action)).toEqual(["detach"]);
  });
  test("a broken sequence is replayed", async () => {
    client.send(post(`/containers/tty/attach?${attachAll}`, UPGRADE));
    await client.head();
    client.send("\x10x");
    expect(await read(2)).toBe("\x10x");
  });
  test("bad keys", async () => {
    client.send(post("/containers/tty/attach?detachKeys=ctrl-1", UPGRADE));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 400 /);
    expect((await client.rest()).toString()).toContain("Invalid detach keys (ctrl-1) provided");
  });
  test("below 1.42 the label is raw", async () => {
    client.send(post(`/v1.41/containers/web/attach?${attachAll}`, UPGRADE));
    expect(await client.head()).toContain("application/vnd.docker.raw-stream");
  });
});

describe("exec start", () => {
  const start = (id: string, body = '{"Detach":false,"Tty":false}', headers = UPGRADE): void =>
    client.send(
      post(
        `/v1.51/exec/${id}/start`,
        `${headers}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`,
        body,
      ),
    );

  test.each([
    ["with", UPGRADE],
    ["without", ""],
  ])("%s Upgrade", async (_title, headers) => {
    const id = api.fake.addExec(api.fake.find("web"), { attachStdin: true });
    api.fake.onSession = (one) => void one.output.write(frame(STREAM.stderr, "out"));
    start(id, undefined, headers);
    await client.head();
    expect((await client.bytes(11)).subarray(8).toString()).toBe("out");
    client.send("in");
    expect(await read(2)).toBe("in");
    session().output.end();
    expect((await client.rest()).length).toBe(0);
  });
  test("a program that cannot run is said in stdout", async () => {
    api.fake.failures.set("execStart", new Error('exec: "x": executable file not found in $PATH'));
    start(api.fake.addExec(api.fake.find("web"), {}));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
    const all = await client.rest();
    expect([all[0], all.subarray(8).toString()]).toEqual([1, 'exec: "x": executable file not found in $PATH\r\n']);
  });
  test("unknown, running and ended ones are refused with a status", async () => {
    start("f".repeat(64));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 404 /);
    const web = api.fake.find("web");
    for (const [more, text] of [
      [{ running: true }, "already running"],
      [{ exitCode: 0 }, "already run"],
    ] as const) {
      const id = api.fake.addExec(web, {}, more);
      const answer = await api.ask("POST", `/exec/${id}/start`, { body: {} });
      expect([answer.status, (answer.json as { message: string }).message]).toEqual([
        409,
        expect.stringContaining(text),
      ]);
    }
  });
  test("detached: 200, empty", async () => {
    const id = api.fake.addExec(api.fake.find("web"), {});
    const answer = await api.ask("POST", `/exec/${id}/start`, { body: { Detach: true } });
    expect([answer.status, answer.text]).toEqual([200, ""]);
  });
  test("ConsoleSize needs a terminal", async () => {
    const id = api.fake.addExec(api.fake.find("web"), {});
    expect((await api.ask("POST", `/exec/${id}/start`, { body: { ConsoleSize: [1, 2] } })).status).toBe(400);
  });
});

describe("others", () => {
  test("an unknown Upgrade is ignored", async () => {
    client.send("GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n");
    expect(await client.head()).toMatch(/^HTTP\/1\.1 200 OK/);
    expect((await client.bytes(2)).toString()).toBe("OK");
  });
  test("BuildKit sessions are refused clearly", async () => {
    client.send(post("/session", "Connection: Upgrade\r\nUpgrade: h2c\r\n"));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 501 /);
  });
  test("a request that is no HTTP", async () => {
    client.send("nonsense\r\n\r\n");
    expect(await client.head()).toMatch(/^HTTP\/1\.1 400 /);
  });
});

function unframe(bytes: Buffer): Buffer {
  const payloads: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    payloads.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(payloads);
}
