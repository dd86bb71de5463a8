import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readSaved, type SavedSandbox, writeSaved } from "../../../../../engine/isolation/namespace/saved.ts";
import { parseSeccomp } from "../../../../../engine/spec/seccomp/profile.ts";

test("a later daemon gives an exec the same filter: 64-bit values of a profile come back exactly", () => {
  const rule = `{"names":["mmap"],"action":"SCMP_ACT_ERRNO","args":[{"index":1,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}`;
  const seccomp = parseSeccomp(`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[${rule}]}`, {
    bounding: [],
    view: { architecture: "x64", kernel: { major: 6, minor: 1 } },
  });
  const saved: SavedSandbox = {
    version: 1,
    terminal: false,
    namespaces: 0,
    seccomp,
    bounding: ["CAP_CHOWN"],
    id: "x",
    annotations: {},
    poststop: [],
  };
  const folder = mkdtempSync(join(tmpdir(), "tare-saved-"));
  try {
    writeSaved(folder, saved);
    expect(readSaved(folder)).toEqual(saved);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
