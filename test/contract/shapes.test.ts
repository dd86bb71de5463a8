/** Replies of the API in full, over a fake engine: names, nulls, order of magnitude and exact numbers. */
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostConfig } from "./fixtures.ts";
import { RawClient } from "./raw-client.ts";
import { Served } from "./served.ts";

let api: Served;
const NOW = Date.UTC(2026, 10, 22, 12);
beforeAll(async () => {
  api = await new Served().start(() => NOW);
});
afterAll(() => api[Symbol.asyncDispose]());
const get = async (path: string): Promise<unknown> => (await api.ask("GET", path)).json;

describe("ping", () => {
  test("GET", async () => {
    const { text, headers } = await api.ask("GET", "/_ping");
    expect(text).toBe("OK");
    expect(headers).toMatchObject({
      "cache-control": "no-cache, no-store, must-revalidate",
      pragma: "no-cache",
      "builder-version": "2",
      swarm: "inactive",
      "api-version": "1.51",
      "content-type": "text/plain; charset=utf-8",
    });
  });
  test("HEAD", async () => {
    const { text, headers } = await api.ask("HEAD", "/v1.41/_ping");
    expect([text, headers["content-length"], headers["content-type"]]).toEqual(["", "0", "text/plain; charset=utf-8"]);
  });
  test("header names as Go spells them", async () => {
    const client = await RawClient.connect(api.socket);
    client.send("GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await client.head()).toMatch(
      /\r\nApi-Version: 1\.51\r\nDocker-Experimental: false\r\nOstype: linux\r\nServer: Docker\/28/,
    );
    client.close();
  });
});

test("the version can be read by everyone who compares it", async () => {
  const { Version, ApiVersion, MinAPIVersion, Arch } = (await get("/version")) as Record<string, string>;
  expect(Version).toMatch(/^\d+\.\d+\.\d+\+tare\.\d+\.\d+\.\d+$/);
  expect([ApiVersion, MinAPIVersion]).toEqual(["1.51", "1.24"]);
  expect(["amd64", "arm64"]).toContain(Arch);
  expect(await get("/info")).toMatchObject({
    OSType: "linux",
    Architecture: "x86_64",
    CgroupVersion: "1",
    Swarm: { LocalNodeState: "inactive" },
  });
});

describe("containers", () => {
  test("a list item", async () => {
    api.fake.add("old", { cmd: ["x"], labels: { a: "b" }, exposedPorts: ["80/tcp", "53/udp"] });
    const [item] = (await get("/containers/json")) as unknown[];
    expect(item).toEqual({
      Id: "01".repeat(32),
      Names: ["/old"],
      Image: "busybox",
      ImageID: `sha256:${"a".repeat(64)}`,
      Command: "sh",
      Created: 1795341600,
      Ports: [
        { PrivatePort: 80, Type: "tcp" },
        { PrivatePort: 53, Type: "udp" },
      ],
      Labels: { a: "b" },
      State: "running",
      Status: "Up 2 hours",
      HostConfig: { NetworkMode: "bridge" },
      NetworkSettings: { Networks: { bridge: expect.objectContaining({ IPAddress: "", DNSNames: null }) } },
      Mounts: [],
    });
  });
  test("all, limit, size and filters", async () => {
    const ended = {
      startedAt: "2026-11-22T10:00:00Z",
      finishedAt: "2026-11-22T11:59:55.5Z",
      oomKilled: false,
      error: "",
      signal: null,
    };
    api.fake.add("done", { labels: { a: "c" } }, { status: "exited", exitCode: 3, ...ended });
    api.fake.add("fresh", {}, { status: "created", error: "", exitCode: 0 });
    const names = async (query: string) =>
      ((await get(`/containers/json?${query}`)) as { Names: string[] }[]).map(({ Names }) => Names[0]).sort();
    const filter = (filters: object) => `filters=${encodeURIComponent(JSON.stringify(filters))}`;
    expect(await names("")).toEqual(["/old"]);
    expect(await names("all=1")).toEqual(["/done", "/fresh", "/old"]);
    expect((await names("limit=2")).length).toBe(2);
    expect(await names(filter({ status: ["exited", "created"] }))).toEqual(["/done", "/fresh"]);
    expect(await names(`all=1&${filter({ exited: ["3"] })}`)).toEqual(["/done"]);
    expect(await names(`all=1&${filter({ label: ["a=b", "a"] })}`)).toEqual(["/old"]);
    expect(await names(`all=1&${filter({ name: ["^/d", "fre"] })}`)).toEqual(["/done", "/fresh"]);
    expect(await names(filter({ expose: ["80"] }))).toEqual(["/old"]);
    expect(await names(filter({ expose: ["50-60/udp"] }))).toEqual(["/old"]);
    expect(await names(filter({ ancestor: ["busybox"] }))).toEqual(["/old"]);
    expect(await names(filter({ ancestor: ["nothing"] }))).toEqual([]);
    expect(await names(filter({ network: ["bridge"] }))).toEqual(["/old"]);
    expect(await names(filter({ health: ["none"] }))).toEqual(["/old"]);
    expect(await names(filter({ "is-task": ["true"] }))).toEqual([]);
    const [sized] = (await get("/containers/json?size=1")) as Record<string, number>[];
    expect([sized?.["SizeRw"], sized?.["SizeRootFs"]]).toEqual([1, 2]);
    const statuses = (await get("/containers/json?all=1")) as { Names: string[]; Status: string }[];
    expect(Object.fromEntries(statuses.map(({ Names, Status }) => [Names[0], Status]))).toEqual({
      "/old": "Up 2 hours",
      "/done": "Exited (3) 4 seconds ago",
      "/fresh": "Created",
    });
  });
  test("inspect keeps nulls, empty lists and absence apart", async () => {
    const { State, Config, HostConfig, ExecIDs, Mounts, NetworkSettings } = (await get(
      "/containers/fresh/json",
    )) as Record<string, Record<string, unknown>>;
    expect(State).toEqual({
      Status: "created",
      Running: false,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: 0,
      ExitCode: 0,
      Error: "",
      StartedAt: "0001-01-01T00:00:00Z",
      FinishedAt: "0001-01-01T00:00:00Z",
    });
    expect(Config).toMatchObject({ Cmd: ["sh"], Entrypoint: null, Volumes: null, OnBuild: null, Labels: {} });
    expect(Config).not.toHaveProperty("ExposedPorts");
    expect(Config).not.toHaveProperty("StopSignal");
    expect(HostConfig).toMatchObject({
      Binds: null,
      CapAdd: null,
      Dns: [],
      PidsLimit: null,
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      ConsoleSize: [0, 0],
    });
    expect(HostConfig).not.toHaveProperty("Mounts");
    expect([ExecIDs, Mounts, NetworkSettings?.["Ports"]]).toEqual([null, [], {}]);
  });
  test("what is created comes back from inspect as it was sent", async () => {
    const HostConfig = {
      Binds: ["/a:/b:ro"],
      Memory: 1e9,
      NanoCpus: 1_500_000_000,
      PidsLimit: 10,
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
      PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
      Ulimits: [{ Name: "nofile", Hard: 2, Soft: 1 }],
      Mounts: [{ Type: "volume", Source: "v", Target: "/v", VolumeOptions: { NoCopy: true, Subpath: "s" } }],
      Tmpfs: { "/t": "size=1m" },
      DeviceRequests: [{ Driver: "cdi", Count: 0, DeviceIDs: ["x"], Capabilities: [["gpu"]], Options: {} }],
    };
    await api.ask("POST", "/containers/create?name=sent", { body: { Image: "busybox", Cmd: "one", HostConfig } });
    const [, request] = api.fake.calls.at(-1) ?? [];
    const sent = request as { name: string; host: ReturnType<typeof hostConfig>; config: { cmd: string[] } };
    expect([sent.name, sent.config.cmd]).toEqual(["sent", ["one"]]);
    const added = api.fake.add("sent");
    api.fake.snapshots.set(added.id, { ...added, host: sent.host });
    expect(((await get("/containers/sent/json")) as { HostConfig: object }).HostConfig).toMatchObject(HostConfig);
  });
  test("a limit that has no effect is said", async () => {
    const body = { Image: "busybox", HostConfig: { KernelMemory: 50_000_000 } };
    const { json } = await api.ask("POST", "/containers/create", { body });
    expect((json as { Warnings: string[] }).Warnings).toEqual([expect.stringContaining("KernelMemory")]);
  });
  test("update: zero is unchanged, null and 0 differ for PidsLimit", async () => {
    const changes = async (body: object) => {
      await api.ask("POST", "/containers/old/update", { body });
      return api.fake.calls.at(-1)?.[2];
    };
    expect(await changes({ Memory: 0, CpuShares: 5, RestartPolicy: {} })).toEqual({
      resources: { cpuShares: 5 },
      restartPolicy: null,
    });
    expect(await changes({ PidsLimit: 0, RestartPolicy: { Name: "always" } })).toEqual({
      resources: { pidsLimit: 0 },
      restartPolicy: { name: "always", maximumRetryCount: 0 },
    });
    expect(await changes({ PidsLimit: null })).toEqual({ resources: {}, restartPolicy: null });
  });
  test("stop and restart: t and signal, as the version allows", async () => {
    await api.ask("POST", "/containers/old/stop?t=-1&signal=INT");
    expect(api.fake.calls.at(-1)?.[2]).toEqual({ timeoutSeconds: -1, signal: "INT" });
    await api.ask("POST", "/v1.41/containers/old/restart?signal=INT");
    expect(api.fake.calls.at(-1)?.[2]).toEqual({ timeoutSeconds: null, signal: null });
  });
  test("a container that does not run has empty stats at once", async () => {
    expect(await get("/containers/fresh/stats?stream=0")).toMatchObject({
      name: "/fresh",
      read: "0001-01-01T00:00:00Z",
      memory_stats: {},
      pids_stats: {},
    });
    expect((await api.ask("GET", "/containers/fresh/stats?one-shot=1")).status).toBe(400);
  });
});

describe("streams of JSON", () => {
  test("events: exact nanoseconds, legacy fields, filters, end at until", async () => {
    api.fake.publish({
      type: "container",
      action: "die",
      actorId: "abc",
      attributes: { image: "busybox:1", name: "web", exitCode: "3" },
    });
    api.fake.publish({ type: "image", action: "load", actorId: "sha256:1", attributes: { name: "busybox:latest" } });
    const { text } = await api.ask(
      "GET",
      `/events?since=1&until=1700000001&filters=${encodeURIComponent('{"container":["we"]}')}`,
    );
    const event = api.fake.events.find(({ actorId }) => actorId === "abc");
    expect(text).toBe(
      `{"status":"die","id":"abc","from":"busybox:1","Type":"container","Action":"die","Actor":{"ID":"abc","Attributes":{"image":"busybox:1","name":"web","exitCode":"3"}},"scope":"local","time":1700000000,"timeNano":${event?.timeNano}}\n`,
    );
    expect((await api.ask("GET", "/events?since=5&until=4")).status).toBe(400);
  });
  test("a subscriber that leaves is forgotten", async () => {
    const client = await RawClient.connect(api.socket);
    client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await client.head()).toContain("200 OK");
    expect(api.fake.listenerCount).toBe(1);
    client.close();
    while (api.fake.listenerCount > 0) await new Promise((resolve) => setImmediate(resolve));
  });
  test("load: messages end in CRLF, progress when asked, errors with a status", async () => {
    const quiet = await api.ask("POST", "/images/load", { body: Buffer.from("archive") });
    expect(quiet.text).toBe('{"stream":"Loaded image: busybox:latest\\n"}\r\n');
    const loud = await api.ask("POST", "/images/load?quiet=0", { body: Buffer.from("archive") });
    expect(loud.text.split("\r\n")[0]).toMatch(/"status":"Loading layer".*"id":"0123456789ab"/);
    api.fake.loaded.length = 0;
    const bad = await api.ask("POST", "/images/load", { body: Buffer.from("bad") });
    expect([bad.status, bad.json]).toEqual([400, { message: "not an image archive" }]);
  });
  test("logs: type, in-band failure", async () => {
    api.fake.logs = () =>
      Readable.from(
        (async function* () {
          yield Buffer.from("x");
          throw new Error("disk gone");
        })(),
      );
    const answer = await api.ask("GET", "/containers/old/logs?stdout=1");
    expect(answer.headers["content-type"]).toBe("application/vnd.docker.multiplexed-stream");
    expect(answer.text).toBe("x\u0003\0\0\0\0\0\0\u001FError grabbing logs: disk gone\n");
    expect((await api.ask("GET", "/v1.41/containers/old/logs?stdout=1")).headers["content-type"]).toBe(
      "application/vnd.docker.raw-stream",
    );
  });
});

describe("images", () => {
  test("names with slashes reach the handler whole", async () => {
    await api.ask("DELETE", "/images/ghcr.io/a/b:1?force=1");
    expect(api.fake.calls.at(-1)).toEqual(["removeImage", "ghcr.io/a/b:1"]);
    await api.ask("POST", "/images/ghcr.io%2Fa%2Fb/tag?repo=x/y&tag=2");
    expect(api.fake.calls.at(-1)).toEqual(["tag", "ghcr.io/a/b", "x/y:2"]);
  });
  test("list: counts, shared size and old versions", async () => {
    const [now] = (await get("/images/json")) as Record<string, unknown>[];
    expect(now).toMatchObject({ SharedSize: -1, RepoTags: ["busybox:latest"], RepoDigests: [], Labels: null });
    expect(now).not.toHaveProperty("VirtualSize");
    const [old] = (await get("/v1.40/images/json")) as Record<string, unknown>[];
    expect(old).toMatchObject({ VirtualSize: 4_000_000, Containers: -1, RepoDigests: ["<none>@<none>"] });
    const none = (await get(`/images/json?filters=${encodeURIComponent('{"reference":["alp*"]}')}`)) as unknown[];
    expect(none).toEqual([]);
    expect(await get(`/images/json?filters=${encodeURIComponent('{"reference":["busy*"]}')}`)).toHaveLength(1);
  });
});

test("disk usage: every volume says who uses it, every image how many containers, in old versions too", async () => {
  const df = (await get("/v1.44/system/df")) as { Images: { Containers: number }[]; Volumes: { UsageData: object }[] };
  expect(df.Volumes.map(({ UsageData }) => UsageData)).toEqual([{ RefCount: 0, Size: -1 }]);
  for (const image of df.Images) expect(image.Containers).toBeGreaterThanOrEqual(0);
});

test("networks by id, name and prefix", async () => {
  const list = (await get("/networks/")) as { Name: string; Id: string; Driver: string; Containers: object }[];
  expect(list.map(({ Name, Driver }) => `${Name} ${Driver}`)).toEqual(["bridge bridge", "host host", "none null"]);
  for (const ref of [list[0]?.Id, "bridge", list[0]?.Id.slice(0, 8)])
    expect(await get(`/networks/${ref}`)).toMatchObject({ Name: "bridge", Containers: {} });
  expect((await api.ask("GET", "/networks/zzz")).json).toEqual({ message: "network zzz not found" });
  expect((await api.ask("GET", "/volumes/zzz")).json).toEqual({ message: "get zzz: no such volume" });
});
