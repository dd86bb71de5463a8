import { describe, expect, it } from "vitest";
import type { ContainerConfig } from "../../../../engine/spec/config.ts";
import { commandLine, type ImageRunConfig, mergeConfig } from "../../../../engine/spec/image-config.ts";
import { configDefaults } from "../../../support/config-defaults.ts";

const image: ImageRunConfig = {
  Entrypoint: ["/entry"],
  Cmd: ["a", "b"],
  Env: ["PATH=/bin", "X=image"],
  Labels: { one: "image", two: "image" },
  ExposedPorts: { "80/tcp": {} },
  Volumes: { "/data": {} },
  WorkingDir: "/work",
  User: "web",
  StopSignal: "SIGINT",
  Healthcheck: { Test: ["CMD", "true"], Interval: 5e9, Retries: 2 },
};
const merge = (config: Partial<ContainerConfig>, from: ImageRunConfig = image) =>
  mergeConfig({ ...configDefaults, ...config }, from);

describe("command line", () => {
  it.each<[Partial<ContainerConfig>, readonly string[]]>([
    [{}, ["/entry", "a", "b"]],
    [{ cmd: ["x"] }, ["/entry", "x"]],
    [{ entrypoint: ["/other"] }, ["/other"]],
    [{ entrypoint: ["/other"], cmd: ["x"] }, ["/other", "x"]],
    [{ entrypoint: [], cmd: null }, ["a", "b"]],
    [{ entrypoint: [""], cmd: ["x"] }, ["x"]],
    [{ cmd: [] }, ["/entry", "a", "b"]],
  ])("%j", (config, expected) => {
    expect(commandLine(merge(config))).toEqual(expected);
  });
  it("refuses when nothing is left", () => {
    expect(() => merge({ entrypoint: [""] })).toThrow("no command specified");
    expect(() => merge({}, {})).toThrow("no command specified");
    expect(commandLine(merge({}, { Cmd: "single" }))).toEqual(["single"]);
  });
});

describe("the rest", () => {
  it("is the image's unless the user says otherwise", () => {
    const merged = merge({
      env: ["X=user", "Y"],
      labels: { two: "user" },
      exposedPorts: ["90/udp"],
      volumes: ["/more"],
    });
    expect(merged.env).toEqual(["X=user", "Y", "PATH=/bin"]);
    expect(merged.labels).toEqual({ one: "image", two: "user" });
    expect(merged.exposedPorts).toEqual(["90/udp", "80/tcp"]);
    expect(merged.volumes).toEqual(["/more", "/data"]);
    expect(merged).toMatchObject({ workingDir: "/work", user: "web", stopSignal: "SIGINT", stopTimeoutSeconds: null });
    expect(merge({ workingDir: "/mine", user: "0", stopSignal: "9" })).toMatchObject({
      workingDir: "/mine",
      user: "0",
      stopSignal: "9",
    });
  });
  it("merges a healthcheck field by field", () => {
    const mine = { test: [], intervalNs: 1e9, timeoutNs: 0, startPeriodNs: 0, startIntervalNs: 0, retries: 0 };
    expect(merge({ healthcheck: mine }).healthcheck).toMatchObject({
      test: ["CMD", "true"],
      intervalNs: 1e9,
      retries: 2,
    });
    expect(merge({}).healthcheck).toMatchObject({ intervalNs: 5e9 });
  });
});
