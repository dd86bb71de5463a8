import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig, resolveConfig } from "../../../engine/config.ts";

const none = { flags: {}, env: {}, file: null };

test("defaults", () => {
  expect(resolveConfig(none)).toEqual({
    dataRoot: "/var/lib/tare",
    execRoot: "/run/tare",
    hosts: ["unix:///run/tare/tare.sock"],
    configFile: "/etc/tare/config.json",
    logLevel: "info",
    logDriver: "json-file",
    logOptions: {},
    group: null,
    cgroupParent: "/tare",
    init: false,
    labels: [],
    shimPath: null,
  });
});

test("flags over environment over file; other roots get a socket and a cgroup of their own", () => {
  const file = {
    path: "/c.json",
    content: { "data-root": "/file", "exec-root": "/file-run", "log-level": "debug", "log-opts": { "max-size": "1m" } },
  };
  const env = { TARE_DATA_ROOT: "/env", TARE_LOG_LEVEL: "warn", TARE_HOST: "" };
  const config = resolveConfig({ flags: { "data-root": "/flag/" }, env, file });
  expect(config).toMatchObject({
    dataRoot: "/flag",
    execRoot: "/file-run",
    logLevel: "warn",
    logOptions: { "max-size": "1m" },
    hosts: ["unix:///file-run/tare.sock"],
  });
  expect(config.cgroupParent).toMatch(/^\/tare-[0-9a-f]{12}$/);
  expect(resolveConfig({ ...none, flags: { "data-root": "/other" } }).cgroupParent).not.toBe(config.cgroupParent);
});

test.each([
  [{ dataroot: "/x" }, 'unknown configuration key "dataroot" in /c.json'],
  [{ constructor: "/x" }, 'unknown configuration key "constructor" in /c.json'],
  [{ "data-root": "relative" }, 'configuration key "data-root" in /c.json must be an absolute path'],
  [{ "log-level": "loud" }, 'configuration key "log-level" in /c.json must be one of debug, info, warn, error, fatal'],
  [{ hosts: [1] }, 'configuration key "hosts" in /c.json must be a list of texts'],
  [
    { hosts: ["tcp://x"] },
    'configuration key "hosts" in /c.json: "tcp://x" is not unix:///path, tcp://address:port or fd://',
  ],
  [{ init: "maybe" }, 'configuration key "init" in /c.json must be true or false'],
  [{ "log-opts": { a: 1 } }, 'configuration key "log-opts" in /c.json must be an object of texts'],
  [[], "configuration file /c.json must hold a JSON object"],
])("wrong file %j", (content, message) => {
  expect(() => resolveConfig({ ...none, file: { path: "/c.json", content } })).toThrow(message);
});

test("wrong flag and wrong variable are named", () => {
  expect(() => resolveConfig({ ...none, flags: { "data-root": "x" } })).toThrow(
    "flag --data-root must be an absolute path",
  );
  expect(() => resolveConfig({ ...none, env: { TARE_LOG_LEVEL: "x" } })).toThrow("environment variable TARE_LOG_LEVEL");
  expect(() => resolveConfig({ ...none, flags: { "exec-root": `/${"x".repeat(60)}` } })).toThrow(
    "longer than 60 bytes",
  );
});

test("a file that was named must exist and be JSON", () => {
  const dir = mkdtempSync(join(tmpdir(), "tare-cfg-"));
  try {
    expect(() => loadConfig({}, {}, join(dir, "no.json"))).toThrow(
      `cannot read configuration file ${dir}/no.json: ENOENT`,
    );
    writeFileSync(join(dir, "bad.json"), "{");
    expect(() => loadConfig({}, { TARE_CONFIG: join(dir, "bad.json") })).toThrow(
      `configuration file ${dir}/bad.json is not JSON`,
    );
    writeFileSync(join(dir, "ok.json"), '{"labels":["a=b"]}');
    expect(loadConfig({}, {}, join(dir, "ok.json")).labels).toEqual(["a=b"]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
