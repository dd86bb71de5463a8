/** The image config document (image-spec config.md with Docker's extensions). Its bytes decide the image id. */
import { invalid } from "../engine/base/errors.ts";
import { type Digest, parseDigest } from "./digest.ts";
import {
  asList,
  asObject,
  field,
  type JsonObject,
  keySet,
  optionalNumber,
  optionalObject,
  optionalString,
  parseJson,
  stringMap,
  strings,
  stringsOrNull,
} from "./json.ts";
import { LAYERS_MAX } from "./manifest.ts";
import { normalizePlatform } from "./platform.ts";
import type { HistoryEntry, ImageConfig, ImageHealthcheck, ImageRunConfig } from "./types.ts";

export const CONFIG_MAX = 8 << 20;

export function parseImageConfig(bytes: Buffer, where = "image config"): ImageConfig {
  if (bytes.length > CONFIG_MAX)
    throw invalid("image.bad_document", `${where} has ${bytes.length} bytes (limit ${CONFIG_MAX})`);
  const root = asObject(parseJson(bytes, where), where);
  const text = (key: string): string => optionalString(field(root, key), `${where}.${key}`);
  const platform = normalizePlatform(text("os") === "" ? "linux" : text("os"), text("architecture"), text("variant"));
  if (platform.os !== "linux")
    throw invalid("image.wrong_os", `cannot run an image for operating system ${JSON.stringify(platform.os)}`);
  return {
    created: text("created"),
    author: text("author"),
    comment: text("comment"),
    dockerVersion: text("docker_version"),
    platform,
    run: parseRun(optionalObject(field(root, "config"), `${where}.config`), `${where}.config`),
    diffIds: parseDiffIds(root, where),
    history: parseHistory(field(root, "history"), `${where}.history`),
  };
}

function parseDiffIds(root: JsonObject, where: string): Digest[] {
  const rootfs = asObject(field(root, "rootfs"), `${where}.rootfs`);
  if (field(rootfs, "type") !== "layers") throw invalid("image.bad_document", `${where}.rootfs.type is not "layers"`);
  const list = field(rootfs, "diff_ids") ?? [];
  return asList(list, `${where}.rootfs.diff_ids`, LAYERS_MAX).map((item) => parseDigest(item));
}

function parseRun(run: JsonObject, where: string): ImageRunConfig {
  const at = (key: string): [unknown, string] => [field(run, key), `${where}.${key}`];
  const stopSignal = optionalString(...at("StopSignal"));
  const stopTimeout = field(run, "StopTimeout");
  return {
    user: optionalString(...at("User")),
    exposedPorts: keySet(...at("ExposedPorts")),
    env: strings(...at("Env")),
    entrypoint: stringsOrNull(...at("Entrypoint")),
    cmd: stringsOrNull(...at("Cmd")),
    volumes: keySet(...at("Volumes")),
    workingDir: optionalString(...at("WorkingDir")),
    labels: stringMap(...at("Labels")),
    stopSignal: stopSignal === "" ? null : stopSignal,
    stopTimeout:
      stopTimeout === undefined || stopTimeout === null ? null : optionalNumber(stopTimeout, `${where}.StopTimeout`),
    healthcheck: parseHealthcheck(field(run, "Healthcheck"), `${where}.Healthcheck`),
    shell: stringsOrNull(...at("Shell")),
    onBuild: strings(...at("OnBuild")),
    argsEscaped: field(run, "ArgsEscaped") === true,
  };
}

function parseHealthcheck(value: unknown, where: string): ImageHealthcheck | null {
  if (value === undefined || value === null) return null;
  const object = asObject(value, where);
  const number = (key: string): number => optionalNumber(field(object, key), `${where}.${key}`);
  return {
    test: strings(field(object, "Test"), `${where}.Test`),
    interval: number("Interval"),
    timeout: number("Timeout"),
    startPeriod: number("StartPeriod"),
    startInterval: number("StartInterval"),
    retries: number("Retries"),
  };
}

function parseHistory(value: unknown, where: string): HistoryEntry[] {
  if (value === undefined || value === null) return [];
  return asList(value, where).map((item, index) => {
    const entry = asObject(item, `${where}[${index}]`);
    const text = (key: string): string => optionalString(field(entry, key), `${where}[${index}].${key}`);
    return {
      created: text("created"),
      createdBy: text("created_by"),
      author: text("author"),
      comment: text("comment"),
      emptyLayer: field(entry, "empty_layer") === true,
    };
  });
}
