/** Node programs written for Docker: dockerode, streams included. */
import { PassThrough, Readable, type Writable } from "node:stream";
import { once } from "node:events";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { busyboxArchive, busyboxPath } from "../support/busybox-image.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";

/** What is written, as text; `until` resolves when it contains something. */
class Sink extends PassThrough {
  text = "";
  constructor() {
    super();
    this.on("data", (chunk: Buffer) => {
      this.text += chunk.toString();
      this.emit("more");
    });
  }
  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) await once(this, "more", { signal: AbortSignal.timeout(20_000) });
  }
}

describe.skipIf(busyboxPath === undefined)("dockerode (needs busybox-static)", () => {
  let daemon: TestDaemon;
  let docker: Docker;

  beforeAll(async () => {
    daemon = await startDaemon();
    docker = new Docker({ socketPath: daemon.socket });
    const stream = await docker.loadImage(Readable.from([(await busyboxArchive()).archive]));
    const lines = (await Readable.from(stream as AsyncIterable<Buffer>).toArray()).join("");
    expect(lines).toContain('"stream":"Loaded image: busybox:latest\\n"');
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  const demux = (container: Docker.Container, stream: NodeJS.ReadableStream): { out: Sink; err: Sink } => {
    const sinks = { out: new Sink(), err: new Sink() };
    container.modem.demuxStream(stream, sinks.out, sinks.err);
    return sinks;
  };

  it("run() with an output stream", async () => {
    const out = new Sink();
    const [result, container] = (await docker.run("busybox", ["sh", "-c", "echo hello; exit 3"], out as Writable, {
      HostConfig: { NetworkMode: "none" },
    })) as [{ StatusCode: number }, Docker.Container];
    expect([out.text.replaceAll("\r", ""), result.StatusCode]).toEqual(["hello\n", 3]);
    await container.remove();
  });

  it.each([true, false])("attach with stdin, hijack %s", async (hijack) => {
    const container = await docker.createContainer({
      Image: "busybox",
      Cmd: ["cat"],
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack });
    const { out } = demux(container, stream);
    await container.start();
    stream.write("typed\n");
    await out.until("typed\n");
    stream.end();
    expect(await container.wait()).toEqual({ StatusCode: 0 });
    await container.remove();
  });

  it("a terminal: raw stream and resize", async () => {
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["sh"], Tty: true, OpenStdin: true });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
    const out = new Sink();
    stream.pipe(out);
    await container.start();
    await container.resize({ h: 33, w: 99 });
    stream.write("stty size\r");
    await out.until("33 99");
    stream.write("exit 2\r");
    expect(await container.wait()).toEqual({ StatusCode: 2 });
    await container.remove();
  });

  it("exec with both streams and its exit code right after the end", async () => {
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["sleep", "1000"] });
    await container.start();
    const exec = await container.exec({
      Cmd: ["sh", "-c", "cat; echo err >&2; exit 12"],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const { out, err } = demux(container, stream);
    const ended = once(stream, "end");
    stream.end("piped");
    await ended;
    const { ExitCode, Running } = await exec.inspect();
    expect([out.text, err.text, ExitCode, Running]).toEqual(["piped", "err\n", 12, false]);
    await container.remove({ force: true });
  });

  it("logs: whole as a buffer, then followed", async () => {
    const container = await docker.createContainer({
      Image: "busybox",
      Cmd: ["sh", "-c", "echo one; read x; echo $x"],
      OpenStdin: true,
    });
    await container.start();
    const follow = await container.logs({ follow: true, stdout: true, stderr: true });
    const { out } = demux(container, follow);
    await out.until("one\n");
    const stdin = await container.attach({ stream: true, stdin: true, hijack: true });
    stdin.write("two\n");
    await once(follow, "end");
    expect(out.text).toBe("one\ntwo\n");
    const all = await container.logs({ stdout: true, tail: 1 });
    expect(all.subarray(8).toString()).toBe("two\n");
    await container.remove();
  });

  it("events as they happen", async () => {
    const stream = await docker.getEvents({ filters: { type: ["container"], event: ["create", "destroy"] } });
    const sink = new Sink();
    stream.pipe(sink);
    const container = await docker.createContainer({ Image: "busybox", name: "evented", Labels: { a: "b" } });
    await container.remove();
    await sink.until('"Action":"destroy"');
    const [created] = sink.text
      .split("\n")
      .map((line) => JSON.parse(line || "null") as { Actor: { Attributes: object }; status: string });
    expect(created).toMatchObject({
      status: "create",
      id: container.id,
      Actor: { Attributes: { a: "b", image: "busybox", name: "evented" } },
    });
    (stream as Readable).destroy();
  });

  it("lists, inspects, stats, top and errors with a status", async () => {
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["sleep", "1000"], name: "listed" });
    await container.start();
    const [listed] = await docker.listContainers({ filters: { name: ["listed"] } });
    expect(listed).toMatchObject({
      Id: container.id,
      Names: ["/listed"],
      State: "running",
      Image: "busybox",
      Command: "sleep 1000",
    });
    const inspected = await container.inspect();
    expect(inspected).toMatchObject({
      Name: "/listed",
      State: { Running: true },
      HostConfig: { NetworkMode: "bridge" },
      Config: { Tty: false },
    });
    const stats = await container.stats({ stream: false });
    expect(stats.memory_stats.usage).toBeGreaterThan(0);
    expect(stats.precpu_stats.cpu_usage.total_usage).toBeGreaterThan(0);
    expect((await container.top()).Processes).toHaveLength(1);
    await expect(container.remove()).rejects.toMatchObject({ statusCode: 409 });
    await expect(docker.getContainer("nope").start()).rejects.toMatchObject({
      statusCode: 404,
      json: { message: "No such container: nope" },
    });
    await expect(container.start()).rejects.toMatchObject({ statusCode: 304 });
    await container.stop({ t: 0 });
    await container.remove();
    expect((await docker.info()).Containers).toBe(0);
    expect((await docker.listImages())[0]?.RepoTags).toEqual(["busybox:latest"]);
  });
});
