import { describe, expect, it } from "vitest";
import { parseImageConfig } from "../../../images/config.ts";
import { chainIdsOf, parseDigest, sha256 } from "../../../images/digest.ts";
import { type Descriptor, parseIndex, parseManifest, selectEntry } from "../../../images/manifest.ts";
import { MEDIA } from "../../../images/media-types.ts";
import { normalizePlatform, parsePlatform, platformPreferences, renderPlatform } from "../../../images/platform.ts";

const digest = `sha256:${"1".repeat(64)}`;
const descriptor = (mediaType: string, extra: object = {}) => ({ mediaType, digest, size: 3, ...extra });
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const manifest = {
  schemaVersion: 2,
  mediaType: MEDIA.manifest,
  config: descriptor(MEDIA.config),
  layers: [descriptor(`${MEDIA.layer}+gzip`)],
};
const invalid = (text: string) =>
  expect.objectContaining({
    kind: expect.stringMatching(/invalid|unsupported/),
    message: expect.stringContaining(text),
  });

describe("digests", () => {
  it.each([
    "",
    "sha256:",
    "sha256:ABC",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"a".repeat(63)}`,
    `sha256:${"a".repeat(65)}`,
    `md5:${"a".repeat(32)}`,
    "sha256:../../../../etc/passwd",
    `sha256:${"a".repeat(64)}\n`,
    5,
    null,
  ])("refuses %j", (text) => expect(() => parseDigest(text)).toThrow(invalid("invalid digest")));
  it("makes chain ids as the image spec says", () => {
    const [a, b, c] = [sha256("a"), sha256("b"), sha256("c")];
    expect(chainIdsOf([a, b, c])).toEqual([a, sha256(`${a} ${b}`), sha256(`${sha256(`${a} ${b}`)} ${c}`)]);
  });
});

describe("manifests and indexes", () => {
  it("reads a manifest", () => {
    expect(parseManifest(json(manifest), "m", MEDIA.manifest).layers).toHaveLength(1);
  });
  it.each<[string, object, string]>([
    ["index and manifest in one", { ...manifest, manifests: [] }, "ambiguous"],
    ["another type than announced", { ...manifest, mediaType: MEDIA.dockerManifest }, "announced as"],
    ["schema 1", { schemaVersion: 1, fsLayers: [] }, "schema 1"],
    ["no config", { ...manifest, config: undefined }, "m.config: expected an object, found nothing"],
    ["a negative size", { ...manifest, config: { ...descriptor(MEDIA.config), size: -1 } }, "m.config.size"],
    [
      "a digest that is a path",
      { ...manifest, config: { ...descriptor(MEDIA.config), digest: "sha256:../../x" } },
      "invalid digest",
    ],
    ["an artifact", { ...manifest, config: descriptor("application/vnd.oci.empty.v1+json") }, "not an image"],
    [
      "too many layers",
      { ...manifest, layers: Array.from({ length: 600 }, () => descriptor(MEDIA.layer)) },
      "600 layers",
    ],
    ["a layer of unknown type", { ...manifest, layers: [descriptor("application/x-squashfs")] }, "unknown type"],
    ["a list", [], "m: expected an object, found a list"],
  ])("refuses %s", (_, document, text) =>
    expect(() => parseManifest(json(document), "m", MEDIA.manifest)).toThrow(invalid(text)),
  );
  it("refuses an index that is a manifest too", () => {
    expect(() => parseIndex(json({ schemaVersion: 2, manifests: [], layers: [] }), "i", null)).toThrow(
      invalid("ambiguous"),
    );
  });
  it("names the place of what is not JSON", () => {
    expect(() => parseManifest(Buffer.from("{"), "manifest x", null)).toThrow(invalid("manifest x is not JSON"));
  });
});

describe("platforms", () => {
  it.each([
    ["linux/x86_64", "linux/amd64"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["arm64", "linux/arm64"],
  ])("%s is %s", (text, normal) => expect(renderPlatform(parsePlatform(text))).toBe(normal));
  it("refuses what is no platform and names it", () =>
    expect(() => parsePlatform("a/b/c/d")).toThrow(invalid('"a/b/c/d"')));
  it("orders what runs on amd64/v3", () => {
    expect(platformPreferences(parsePlatform("linux/amd64/v3")).map(renderPlatform)).toEqual([
      "linux/amd64/v3",
      "linux/amd64/v2",
      "linux/amd64",
      "linux/386",
    ]);
  });

  const entry = (text: string | null, index: number, annotations: object = {}) => ({
    mediaType: MEDIA.manifest,
    digest: parseDigest(`sha256:${String(index).repeat(64)}`),
    size: 1,
    platform: text === null ? null : normalizePlatform(...(text.split("/") as [string, string, string?])),
    annotations: annotations as Record<string, string>,
  });
  const choose = (list: readonly Descriptor[], wanted: string, explicit = true) =>
    list.indexOf(selectEntry(list, parsePlatform(wanted), explicit));

  it("prefers the nearer variant, then the first", () => {
    expect(choose([entry("linux/386", 1), entry("linux/amd64", 2), entry("linux/amd64", 3)], "linux/amd64")).toBe(1);
    expect(choose([entry("linux/arm/v6", 1), entry("linux/arm/v7", 2)], "linux/arm")).toBe(1);
    expect(choose([entry("linux/arm/v7", 1)], "linux/arm64")).toBe(0);
  });
  it("never takes an attestation", () => {
    const attestation = entry("unknown/unknown", 1);
    const annotated = entry("linux/amd64", 2, { "vnd.docker.reference.type": "attestation-manifest" });
    expect(choose([attestation, annotated, entry("linux/amd64", 3)], "linux/amd64")).toBe(2);
    expect(() => selectEntry([attestation], parsePlatform("linux/amd64"), false)).toThrow("no matching manifest");
  });
  it("says which platform is missing", () => {
    expect(() => choose([entry("linux/amd64", 1)], "linux/s390x")).toThrow(
      "no matching manifest for linux/s390x in the manifest list entries",
    );
    expect(choose([entry("linux/s390x", 1)], "linux/amd64", false)).toBe(0);
  });
});

describe("image config", () => {
  const base = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } };
  it("fills in what is absent", () => {
    expect(parseImageConfig(json(base)).run).toMatchObject({
      user: "",
      env: [],
      cmd: null,
      entrypoint: null,
      labels: {},
      healthcheck: null,
    });
  });
  it("tells an empty Cmd from an absent one and takes old string forms", () => {
    expect(parseImageConfig(json({ ...base, config: { Cmd: [], Entrypoint: "/x" } })).run).toMatchObject({
      cmd: [],
      entrypoint: ["/x"],
    });
  });
  it("keeps a label named __proto__ as a label", () => {
    const { labels } = parseImageConfig(
      Buffer.from('{"os":"linux","rootfs":{"type":"layers"},"config":{"Labels":{"__proto__":"x"}}}'),
    ).run;
    expect(Object.keys(labels)).toEqual(["__proto__"]);
  });
  it.each<[object, string]>([
    [{ ...base, rootfs: undefined }, "rootfs"],
    [{ ...base, rootfs: { type: "layers", diff_ids: ["x"] } }, "invalid digest"],
    [{ ...base, os: "windows" }, 'operating system "windows"'],
    [{ ...base, config: { Env: [1] } }, "config.Env[0]: expected a string"],
    [{ ...base, config: { User: 5 } }, "config.User"],
  ])("refuses %j", (document, text) => expect(() => parseImageConfig(json(document))).toThrow(invalid(text)));
});
