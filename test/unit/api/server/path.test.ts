import { describe, expect, test } from "vitest";
import { rewritePath } from "../../../../api/server/path.ts";

const url = (method: string, path: string): string => rewritePath(method, path).url;

describe("version prefix", () => {
  test.each([
    ["/v1.41/containers/json?all=1", "/containers/json?all=1", 41],
    ["/containers/json", "/containers/json", 51],
    ["/v1.24", "/", 24],
    ["/volumes", "/volumes", 51],
    ["/v1.51beta/x", "/v1.51beta/x", 51],
  ])("%s", (path, expected, api) => {
    expect(rewritePath("GET", path)).toMatchObject({ url: expected, api });
  });
});

describe("names with slashes become one segment", () => {
  test.each([
    ["GET", "/images/ghcr.io/a/b:1/json", "/images/ghcr.io%2Fa%2Fb%3A1/json"],
    ["GET", "/images/a%2Fb/json?x=/y/", "/images/a%2Fb/json?x=/y/"],
    ["GET", "/images/a/json/json", "/images/a%2Fjson/json"],
    ["POST", "/images/localhost:5000/x/tag?repo=y", "/images/localhost%3A5000%2Fx/tag?repo=y"],
    ["DELETE", "/images/a/b@sha256:00", "/images/a%2Fb%40sha256%3A00"],
    ["GET", "/images/json", "/images/json"],
    ["GET", "/images/busybox/json", "/images/busybox/json"],
    ["GET", "/images/a/b/nonsense", "/images/a/b/nonsense"],
    ["GET", "/plugins/a/b/json", "/plugins/a%2Fb/json"],
    ["GET", "/distribution/a/b/json", "/distribution/a%2Fb/json"],
    ["GET", "/networks/", "/networks"],
    ["GET", "/containers/a/b/json", "/containers/a/b/json"],
    ["GET", "/images/%zz/b/json", "/images/%zz%2Fb/json"],
  ])("%s %s", (method, path, expected) => expect(url(method, path)).toBe(expected));
});
