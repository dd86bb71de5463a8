import { describe, expect, it } from "vitest";
import { expandRoute, HostError, parseHost, parseJson } from "../../../../api/client/index.ts";

describe("hosts", () => {
  it.each([
    ["unix:///run/x.sock", { kind: "unix", path: "/run/x.sock", url: "unix:///run/x.sock" }],
    ["/run/x.sock", { kind: "unix", path: "/run/x.sock", url: "unix:///run/x.sock" }],
    ["", { kind: "unix", path: "/run/tare/tare.sock", url: "unix:///run/tare/tare.sock" }],
    ["unix://", { kind: "unix", path: "/run/tare/tare.sock", url: "unix:///run/tare/tare.sock" }],
    ["tcp://127.0.0.1:2376", { kind: "tcp", host: "127.0.0.1", port: 2376, url: "tcp://127.0.0.1:2376" }],
    ["tcp://[::1]:99", { kind: "tcp", host: "::1", port: 99, url: "tcp://[::1]:99" }],
    ["localhost:5", { kind: "tcp", host: "localhost", port: 5, url: "tcp://localhost:5" }],
    ["tcp://:5", { kind: "tcp", host: "127.0.0.1", port: 5, url: "tcp://:5" }],
  ])("%j", (text, endpoint) => {
    expect(parseHost(text)).toEqual(endpoint);
  });

  it.each(["ssh://me@there", "tcp://a:b", "tcp://a:70000", "npipe:////./pipe/x", "fd://3"])(
    "refuse %j by name",
    (text) => {
      expect(() => parseHost(text)).toThrow(HostError);
      expect(() => parseHost(text)).toThrow(JSON.stringify(text));
    },
  );
});

describe("paths", () => {
  it("keep the slashes and colons of an image name and escape the rest", () => {
    expect(expandRoute("GET /images/{name}/json", { name: "ghcr.io/a/b:1@sha256:ab" })).toEqual([
      "GET",
      "/images/ghcr.io/a/b:1@sha256:ab/json",
    ]);
    expect(expandRoute("GET /containers/{id}/json", { id: "a b?c#d" })).toEqual([
      "GET",
      "/containers/a%20b%3Fc%23d/json",
    ]);
  });

  it("cannot climb", () => {
    expect(expandRoute("GET /images/{name}/json", { name: "../x" })[1]).toBe("/images/%2E%2E/x/json");
  });

  it("refuse an empty name", () => {
    expect(() => expandRoute("DELETE /containers/{id}", { id: " " })).toThrow("invalid id: the name is empty");
  });
});

it("keeps integers that a double cannot hold", () => {
  expect(parseJson('{"limit":18446744073709551615,"small":7,"half":1.5}')).toEqual({
    limit: 18446744073709551615n,
    small: 7,
    half: 1.5,
  });
});
