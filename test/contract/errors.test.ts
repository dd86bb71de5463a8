import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { notModified, TareError } from "../../engine/base/errors.ts";
import { conflicting } from "./fake-engine.ts";
import { Served } from "./served.ts";

let api: Served;
beforeAll(async () => {
  api = await new Served().start();
  api.fake.add("web");
});
afterAll(() => api[Symbol.asyncDispose]());

const raw = (text: string, type = "application/json") => ({
  body: Buffer.from(text),
  headers: { "Content-Type": type },
});
const message = async (method: string, path: string, options?: Parameters<Served["ask"]>[2]) => {
  const { status, json } = await api.ask(method, path, options);
  return [status, (json as { message?: string } | undefined)?.message];
};

describe("paths and versions", () => {
  test.each(["GET", "POST", "PUT", "DELETE"])("%s of an unknown path is 404 page not found", async (method) => {
    expect(await message(method, "/nonsense")).toEqual([404, "page not found"]);
  });
  test("a wrong method is 404 too, never 405", async () => {
    expect(await message("DELETE", "/containers/json/x/y")).toEqual([404, "page not found"]);
    expect(await message("POST", "/version")).toEqual([404, "page not found"]);
  });
  test("page not found has no Api-Version, a routed error has", async () => {
    expect((await api.ask("GET", "/nonsense")).headers["api-version"]).toBeUndefined();
    const routed = await api.ask("GET", "/containers/nope/json");
    expect(routed.headers).toMatchObject({ "api-version": "1.51", ostype: "linux", "docker-experimental": "false" });
    expect(routed.headers["server"]).toMatch(/^Docker\/28\..* \(linux\)$/);
  });
  test.each(["/v1.24", "/v1.51", ""])("prefix '%s' is served", async (prefix) => {
    expect((await api.ask("GET", `${prefix}/version`)).status).toBe(200);
  });
  test("too old and too new", async () => {
    expect(await message("GET", "/v1.20/version")).toEqual([
      400,
      "client version 1.20 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
    ]);
    expect(await message("GET", "/v1.99/version")).toEqual([
      400,
      "client version 1.99 is too new. Maximum supported API version is 1.51",
    ]);
    expect(await message("GET", "/v1.99/nonsense")).toEqual([404, "page not found"]);
  });
  test("a malformed escape is a 400", async () => {
    expect((await api.ask("GET", "/containers/%zz/json")).status).toBe(400);
  });
  test("OPTIONS is answered for any path", async () => {
    expect((await api.ask("OPTIONS", "/anything/at/all")).status).toBe(200);
  });
});

describe("bodies", () => {
  const create = "/containers/create";
  test("none at all", async () => {
    expect(await message("POST", create)).toEqual([400, "invalid JSON: got EOF while reading request body"]);
  });
  test("null", async () => {
    expect(await message("POST", create, raw("null"))).toEqual([
      400,
      "config cannot be empty in order to create a container",
    ]);
  });
  test("not JSON", async () => {
    const [status, text] = await message("POST", create, raw("{"));
    expect(status).toBe(400);
    expect(text).toMatch(/^invalid JSON: /);
  });
  test("more than one value", async () => {
    expect(await message("POST", create, raw('{"Image":"a"}{"Image":"b"}'))).toEqual([
      400,
      "unexpected content after JSON",
    ]);
  });
  test.each(["text/plain", "application/x-www-form-urlencoded", "nonsense"])("content type %s", async (type) => {
    expect(await message("POST", create, raw("{}", type))).toEqual([
      400,
      `unsupported Content-Type header (${type}): must be 'application/json'`,
    ]);
  });
  test("content type with parameters is fine", async () => {
    expect((await api.ask("POST", create, raw('{"Image":"busybox"}', "application/json; charset=utf-8"))).status).toBe(
      201,
    );
  });
  test("no content type with a body", async () => {
    const answer = await message("POST", create, { body: Buffer.from("{}"), headers: { "Content-Type": "" } });
    expect(answer[0]).toBe(400);
  });
  test("a field of another type is named", async () => {
    expect(await message("POST", create, { body: { Image: "a", HostConfig: { Memory: "1g" } } })).toEqual([
      400,
      'invalid JSON: "HostConfig.Memory" must be an integer, not a string',
    ]);
  });
  test("fields in any case, unknown fields ignored", async () => {
    await api.ask("POST", create, { body: { image: "x", cMd: "ls", hostconfig: { memory: 7_000_000 }, nonsense: 1 } });
    const request = api.fake.calls.at(-1)?.[1] as {
      config: { image: string; cmd: string[] };
      host: { memory: number };
    };
    expect([request.config.image, request.config.cmd, request.host.memory]).toEqual(["x", ["ls"], 7_000_000]);
  });
  test("a key __proto__ stays data", async () => {
    await api.ask("POST", create, raw('{"Image":"x","Labels":{"__proto__":"p","a":"b"}}'));
    const [, request] = api.fake.calls.at(-1) ?? [];
    expect(Object.keys((request as { config: { labels: object } }).config.labels)).toEqual(["__proto__", "a"]);
  });
});

describe("queries", () => {
  test("filters in both forms, unknown and malformed ones", async () => {
    const list = (filters: unknown) =>
      message("GET", `/containers/json?filters=${encodeURIComponent(JSON.stringify(filters))}`);
    expect((await list({ name: ["web"] }))[0]).toBe(200);
    expect((await list({ name: { web: true } }))[0]).toBe(200);
    expect(await list({ foo: ["x"] })).toEqual([400, "invalid filter 'foo'"]);
    expect(await list([])).toEqual([400, "invalid filter"]);
    expect(await list({ status: ["bogus"] })).toEqual([400, "invalid filter 'status=[bogus]'"]);
    expect(await message("GET", "/containers/json?filters=%7B")).toEqual([400, "invalid filter"]);
  });
  test.each([
    ["false", 0],
    ["0", 0],
    ["NO", 0],
    ["none", 0],
    ["", 0],
    ["1", 1],
    ["True", 1],
    ["whatever", 1],
  ])("force=%s", async (value, expected) => {
    await api.ask("DELETE", `/containers/web?force=${value}`);
    expect(api.fake.calls.at(-1)).toEqual([
      "remove",
      api.fake.find("web").id,
      { force: expected === 1, volumes: false },
    ]);
  });
  test("integers", async () => {
    expect(await message("POST", "/containers/web/resize?h=x&w=1")).toEqual([
      400,
      'invalid resize height "x": invalid syntax',
    ]);
    expect(await message("POST", "/containers/web/resize?h=1")).toEqual([
      400,
      'invalid resize width "": invalid syntax',
    ]);
    expect(await message("POST", "/containers/web/stop?t=soon")).toEqual([400, 'invalid t "soon": invalid syntax']);
  });
  test("names", async () => {
    expect((await message("POST", "/containers/create?name=a", { body: { Image: "x" } }))[1]).toBe(
      "Invalid container name (a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    );
  });
  test("logs need a stream", async () => {
    expect(await message("GET", "/containers/web/logs")).toEqual([
      400,
      "Bad parameters: you must choose at least one stream",
    ]);
  });
  test("wait conditions", async () => {
    expect((await message("POST", "/containers/web/wait?condition=soon"))[0]).toBe(400);
    expect((await message("POST", "/containers/nope/wait"))[0]).toBe(404);
  });
  test("a body at start is refused, {} is not", async () => {
    expect((await message("POST", "/containers/web/start", { body: { Binds: [] } }))[0]).toBe(400);
    expect((await api.ask("POST", "/containers/web/start", { body: {} })).status).toBe(204);
  });
});

describe("kinds", () => {
  test("404, 409, 304 and 500", async () => {
    expect(await message("POST", "/containers/nope/start")).toEqual([404, "No such container: nope"]);
    api.fake.failures.set("kill", conflicting("cannot kill container: web: container 01 is not running"));
    expect((await message("POST", "/containers/web/kill"))[0]).toBe(409);
    api.fake.failures.set("stop", notModified("container.stopped", "x"));
    const stopped = await api.ask("POST", "/containers/web/stop");
    expect([stopped.status, stopped.text]).toEqual([304, ""]);
    api.fake.failures.set("pause", new Error("boom"));
    expect(await message("POST", "/containers/web/pause")).toEqual([500, "boom"]);
    api.fake.failures.clear();
  });
  test("what is not here says so", async () => {
    expect(await message("GET", "/swarm")).toEqual([503, expect.stringContaining("This node is not a swarm manager.")]);
    expect((await message("GET", "/services"))[0]).toBe(503);
    expect(await message("POST", "/swarm/leave")).toEqual([503, "This node is not part of a swarm"]);
    expect((await message("POST", "/build"))[0]).toBe(501);
    expect((await message("POST", "/networks/create", { body: {} }))[0]).toBe(501);
    expect(await message("GET", "/plugins/a/b/json")).toEqual([404, 'plugin "a/b" not found']);
    expect((await api.ask("GET", "/plugins")).text).toBe("[]\n");
    expect((await message("POST", "/images/create?fromImage=missing&tag=latest"))[1]).toContain(
      "pulling missing:latest",
    );
    expect((await message("DELETE", "/networks/bridge"))[0]).toBe(403);
  });
});

test("code and hint travel beside the message, never in it", async () => {
  const hint = "free it first – or 100 %";
  api.fake.failures.set("pause", new TareError("conflict", "test.code", "in use", { hint }));
  const { json, headers } = await api.ask("POST", "/containers/web/pause");
  expect(json).toEqual({ message: "in use" });
  expect(headers["tare-error-code"]).toBe("test.code");
  expect(decodeURIComponent(String(headers["tare-hint"]))).toBe(hint);
});
