/** The order of calls that `docker run` makes, over raw sockets: what clients rely on without saying so. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RawClient } from "../contract/raw-client.ts";
import { busyboxArchive, busyboxPath } from "../support/busybox-image.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";

describe.skipIf(busyboxPath === undefined)("the calls of one run (needs busybox-static)", () => {
  let daemon: TestDaemon;
  const clients: RawClient[] = [];
  beforeAll(async () => {
    daemon = await startDaemon();
    const { archive } = await busyboxArchive();
    expect((await daemon.ask("POST", "/images/load", { body: archive })).status).toBe(200);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  const create = async (body: object): Promise<string> => {
    const answer = await daemon.ask("POST", "/containers/create", { body: { Image: "busybox", ...body } });
    expect(answer.status).toBe(201);
    return (answer.json as { Id: string }).Id;
  };
  const open = async (request: string): Promise<RawClient> => {
    const client = await RawClient.connect(daemon.socket);
    clients.push(client);
    client.send(request);
    return client;
  };
  const attach = async (id: string, query: string): Promise<RawClient> => {
    const client = await open(
      `POST /containers/${id}/attach?${query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
    );
    expect(await client.head()).toMatch(/^HTTP\/1\.1 101 UPGRADED/);
    return client;
  };
  const wait = (id: string, condition: string): Promise<RawClient> =>
    open(`POST /containers/${id}/wait?condition=${condition} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const remove = (id: string) => daemon.ask("DELETE", `/containers/${id}?force=1`);

  it("nothing that is printed after an attach is lost, however early", async () => {
    for (let round = 0; round < 20; round++) {
      const id = await create({ Cmd: ["echo", `round ${round}`] });
      const attached = await attach(id, "stream=1&stdout=1&stderr=1");
      expect((await daemon.ask("POST", `/containers/${id}/start`)).status).toBe(204);
      expect((await attached.rest()).subarray(8).toString()).toBe(`round ${round}\n`);
      await remove(id);
    }
  });

  it("wait sends its head before start, and its body after the end", async () => {
    const id = await create({ Cmd: ["sh", "-c", "exit 9"] });
    const waiting = await wait(id, "next-exit");
    expect(await waiting.head()).toMatch(/^HTTP\/1\.1 200 OK/);
    await daemon.ask("POST", `/containers/${id}/start`);
    expect((await waiting.rest()).toString()).toContain('{"StatusCode":9}\n');
    const again = await daemon.ask("POST", `/containers/${id}/wait`);
    expect(again.text).toBe('{"StatusCode":9}\n');
    const removed = await wait(id, "removed");
    await removed.head();
    await remove(id);
    expect((await removed.rest()).toString()).toContain('{"StatusCode":9}');
  });

  it("a start that fails ends the attach and the wait for removal", async () => {
    const id = await create({ Cmd: ["nosuch"], HostConfig: { AutoRemove: true } });
    const attached = await attach(id, "stream=1&stdout=1");
    const waiting = await wait(id, "removed");
    await waiting.head();
    const started = await daemon.ask("POST", `/containers/${id}/start`);
    expect([started.status, (started.json as { message: string }).message]).toEqual([
      400,
      expect.stringContaining("executable file not found in $PATH"),
    ]);
    expect((await attached.rest()).length).toBe(0);
    expect((await waiting.rest()).toString()).toContain('"StatusCode":127');
  });

  it("without AutoRemove the container stays created, with code and error", async () => {
    const id = await create({ Cmd: ["/etc/passwd"] });
    expect((await daemon.ask("POST", `/containers/${id}/start`)).status).toBe(400);
    const { State } = (await daemon.ask("GET", `/containers/${id}/json`)).json as {
      State: { Status: string; ExitCode: number; Error: string };
    };
    expect([State.Status, State.ExitCode, State.Error]).toEqual([
      "created",
      126,
      expect.stringContaining("permission denied"),
    ]);
    await remove(id);
  });

  it("stdin half-closed with StdinOnce: the program sees its end, its output still comes", async () => {
    const id = await create({ Cmd: ["sh", "-c", "cat >/dev/null; echo after"], OpenStdin: true, StdinOnce: true });
    const attached = await attach(id, "stream=1&stdin=1&stdout=1");
    await daemon.ask("POST", `/containers/${id}/start`);
    attached.send("x");
    attached.finish();
    expect((await attached.rest()).subarray(8).toString()).toBe("after\n");
    await remove(id);
  });

  it("stdin half-closed without StdinOnce ends the attach and not the program", async () => {
    const id = await create({ Cmd: ["cat"], OpenStdin: true });
    const attached = await attach(id, "stream=1&stdin=1&stdout=1");
    await daemon.ask("POST", `/containers/${id}/start`);
    attached.finish();
    await attached.rest();
    const { State } = (await daemon.ask("GET", `/containers/${id}/json`)).json as { State: { Running: boolean } };
    expect(State.Running).toBe(true);
    await remove(id);
  });

  it("logs=1 replays before the stream", async () => {
    const id = await create({ Cmd: ["sh", "-c", "echo before; read x; echo $x"], OpenStdin: true });
    await daemon.ask("POST", `/containers/${id}/start`);
    await daemon.ask("GET", `/containers/${id}/logs?stdout=1&follow=1&tail=1&until=1`);
    const follow = await open(`GET /containers/${id}/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: x\r\n\r\n`);
    await follow.head();
    await follow.bytes(8 + 7); // the first line is in the log
    const attached = await attach(id, "logs=1&stream=1&stdin=1&stdout=1");
    attached.send("later\n");
    const text = (await attached.rest()).toString();
    expect(text.indexOf("before\n")).toBeGreaterThanOrEqual(0);
    expect(text.indexOf("later\n")).toBeGreaterThan(text.indexOf("before\n"));
    await remove(id);
  });

  it("timings of the last start", async () => {
    const id = await create({ Cmd: ["true"] });
    await daemon.ask("POST", `/containers/${id}/start`);
    const { Phases } = (await daemon.ask("GET", `/containers/${id}/timings`)).json as {
      Phases: { Name: string; AtNs: number }[];
    };
    expect(Phases.length).toBeGreaterThan(1);
    expect(Phases.map(({ AtNs }) => AtNs)).toEqual(Phases.map(({ AtNs }) => AtNs).sort((a, b) => a - b));
    await remove(id);
  });
});
