import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseReference } from "../../../images/index.ts";

const hex = "a".repeat(64);

describe("parseReference", () => {
  it.each([
    ["alpine", "docker.io/library/alpine", "alpine"],
    ["alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"],
    ["library/alpine", "docker.io/library/alpine", "alpine"],
    ["docker.io/alpine", "docker.io/library/alpine", "alpine"],
    ["docker.io/library/alpine", "docker.io/library/alpine", "alpine"],
    ["index.docker.io/alpine", "docker.io/library/alpine", "alpine"],
    ["user/app:1", "docker.io/user/app:1", "user/app:1"],
    ["library/a/b", "docker.io/library/a/b", "library/a/b"],
    ["ghcr.io/a/b:1", "ghcr.io/a/b:1", "ghcr.io/a/b:1"],
    ["localhost/x", "localhost/x", "localhost/x"],
    ["localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y"],
    ["reg:5000/x", "reg:5000/x", "reg:5000/x"],
    ["UPPER/x", "UPPER/x", "UPPER/x"],
    ["[::1]:5000/x", "[::1]:5000/x", "[::1]:5000/x"],
    ["a__b/c-d.e", "docker.io/a__b/c-d.e", "a__b/c-d.e"],
    [`alpine@sha256:${hex}`, `docker.io/library/alpine@sha256:${hex}`, `alpine@sha256:${hex}`],
    [`alpine:3@sha256:${hex}`, `docker.io/library/alpine:3@sha256:${hex}`, `alpine:3@sha256:${hex}`],
  ])("%s", (text, canonical, familiar) => {
    const reference = parseReference(text);
    expect(reference.canonical()).toBe(canonical);
    expect(reference.familiar()).toBe(familiar);
    expect(parseReference(familiar).canonical()).toBe(canonical);
  });

  it.each([
    ["", "invalid reference format"],
    ["a:", "invalid reference format"],
    ["a b", "invalid reference format"],
    ["-a", "invalid reference format"],
    ["a//b", "invalid reference format"],
    ["a/../b", "invalid reference format"],
    ["a___b", "invalid reference format"],
    [`a:${"t".repeat(129)}`, "invalid reference format"],
    ["alpine@sha256:abcd", "invalid reference format"],
    [`alpine@sha256:${"a".repeat(40)}`, "invalid checksum digest"],
    [`alpine@md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
    ["Alpine", "invalid reference format: repository name (library/Alpine) must be lowercase"],
    ["x.y/Foo", "invalid reference format: repository name (Foo) must be lowercase"],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
    [`${"a/".repeat(130)}a`, "must not be more than 255 characters"],
    ["a".repeat(5000), "invalid reference format"],
  ])("refuses %j", (text, message) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ kind: "invalid", message: expect.stringContaining(message) }),
    );
  });

  it("gives a tag only where there is neither tag nor digest", () => {
    expect(parseReference("a").tagged().familiar()).toBe("a:latest");
    expect(parseReference("a:1").tagged().familiar()).toBe("a:1");
    expect(parseReference(`a@sha256:${hex}`).tagged().familiar()).toBe(`a@sha256:${hex}`);
  });

  it("never hangs and never throws anything but a typed error", () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom("a", "A", "/", ".", "_", "-", ":", "@", "0", "sha256:", "[", "é", " "),
          maxLength: 60,
        }),
        (text) => {
          try {
            const reference = parseReference(text);
            expect(parseReference(reference.canonical()).canonical()).toBe(reference.canonical());
          } catch (error) {
            expect(error).toMatchObject({ kind: "invalid", code: "image.bad_reference" });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
