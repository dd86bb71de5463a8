import { expect, test } from "vitest";
import { checkLogConfig, logTarget, parseSize } from "../../../../engine/container/log-config.ts";
import { emptyConfig } from "./requests.ts";

const who = { id: "0123456789abcdef".repeat(4), name: "web", imageId: "sha256:ffeeddccbbaa99887766", image: "busybox" };
const jsonFile = (config: Record<string, string>) => ({ type: "json-file", config });
const target = (config: Record<string, string>, changes = {}) =>
  logTarget(jsonFile(config), { ...emptyConfig, ...changes }, who, "/x-json.log");

test("sizes are decimal", () => {
  expect([
    parseSize("10m"),
    parseSize("1.5K"),
    parseSize("7"),
    parseSize("2GB"),
    parseSize("x"),
    parseSize("1q"),
  ]).toEqual([10_000_000, 1500, 7, 2_000_000_000, null, null]);
});

test("bounded by default, as asked otherwise, -1 = not at all", () => {
  expect(target({})).toMatchObject({ format: "json-file", maxBytes: 64_000_000, maxFiles: 5, attrs: "" });
  expect(target({ "max-size": "10k" })).toMatchObject({ maxBytes: 10_000, maxFiles: 1 });
  expect(target({ "max-size": "10k", "max-file": "3" })).toMatchObject({ maxBytes: 10_000, maxFiles: 3 });
  expect(target({ "max-size": "-1" })).toMatchObject({ maxBytes: 0 });
  expect(logTarget({ type: "none", config: {} }, emptyConfig, who, "/x").format).toBe("none");
});

test("attributes: labels, environment and tag, as Go writes them", () => {
  const changes = { labels: { b: "<2>", a: "1", c: "3" }, env: ["TOKEN=x=y", "OTHER=1"] };
  expect(target({ labels: "a,b", env: "TOKEN" }, changes).attrs).toBe('{"TOKEN":"x=y","a":"1","b":"\\u003c2\\u003e"}');
  expect(target({ "labels-regex": "^[ac]$" }, changes).attrs).toBe('{"a":"1","c":"3"}');
  expect(target({ tag: "{{.Name}}/{{ .ID }}/{{.ImageID}}" }).attrs).toBe('{"tag":"web/0123456789ab/ffeeddccbbaa"}');
});

test.each([
  [{ foo: "1" }, "unknown log opt 'foo' for json-file log driver"],
  [{ "max-size": "0" }, "max-size must be a positive number"],
  [{ "max-size": "ten" }, "invalid size: 'ten' for log opt max-size"],
  [{ "max-file": "0" }, "max-file cannot be less than 1"],
  [{ mode: "maybe" }, "logger: logging mode not supported: maybe"],
  [{ "max-buffer-size": "1m" }, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
  [{ "labels-regex": "(" }, "invalid value for log opt labels-regex: ("],
  [{ tag: "{{.Nope}}" }, 'invalid log opt tag: template: log-tag: unknown expression ".Nope"'],
])("refused: %j", (config, message) => {
  expect(() => checkLogConfig(jsonFile(config as unknown as Record<string, string>))).toThrow(message);
});

test("an unknown driver is named", () => {
  expect(() => checkLogConfig({ type: "gelf", config: {} })).toThrow(
    "logger: no log driver named 'gelf' is registered",
  );
});
