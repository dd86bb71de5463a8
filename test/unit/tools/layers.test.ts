import { describe, expect, test } from "vitest";
import { findCycle, importsOf, problemsOf } from "../../../.tools/layers.ts";

const problems = (files: Record<string, string>): string[] => problemsOf(new Map(Object.entries(files)));

describe("imports of a file", () => {
  test.each([
    ['import { a } from "../spec/index.ts";', "engine/spec/index.ts", false, ["a"]],
    ['import type { A } from "../spec/index.ts";', "engine/spec/index.ts", true, ["A"]],
    ['import {\n  a,\n  type b,\n} from "./b.ts";', "engine/store/b.ts", false, ["a", "type b"]],
    ['export * from "./b.ts";', "engine/store/b.ts", false, []],
    ['import "node:fs";', "node:fs", false, []],
    ['const x = await import("koffi");', "koffi", false, []],
    ['const x = require("koffi");', "koffi", false, []],
  ])("%s", (text, to, typeOnly, names) => {
    expect(importsOf("engine/store/a.ts", text)).toEqual([{ from: "engine/store/a.ts", to, typeOnly, names }]);
  });

  test("comments and strings with the word from are not imports", () => {
    const text = '// import { a } from "./a.ts";\n/* import "./b.ts" */\nconst s = "exit from here";';
    expect(importsOf("engine/a.ts", text)).toEqual([]);
  });
});

describe("rules", () => {
  test.each([
    ["engine imports api", "engine/a.ts", "../api/schema/index.ts", "engine may not import api/schema"],
    ["images imports engine", "images/a.ts", "../engine/index.ts", "images may not import engine"],
    ["cli imports server", "api/cli/a.ts", "../server/index.ts", "api/cli may not import api/server"],
    ["schema imports ours", "api/schema/a.ts", "../../engine/index.ts", "api/schema may not import engine"],
    ["past the door", "engine/daemon.ts", "../images/store/x.ts", "only images/index.ts"],
    ["spec imports store", "engine/spec/a.ts", "../store/records.ts", "engine/spec may not import engine/store"],
    ["vm and namespace", "engine/isolation/vm/a.ts", "../namespace/b.ts", "may not import isolation/namespace"],
    ["koffi", "engine/store/a.ts", "koffi", "only native/binding"],
    ["spawning", "api/server/a.ts", "node:child_process", "only native/binding"],
    ["files", "engine/container/a.ts", "node:fs/promises", "touch files by path"],
    ["purity", "engine/container/state.ts", "node:crypto", "pure"],
  ])("%s is refused", (_name, from, to, reason) => {
    expect(problems({ [from]: `import { x } from "${to}";` })).toEqual([expect.stringContaining(reason)]);
  });

  test("descriptors may be read and closed anywhere, paths may not be opened", () => {
    const using = (names: string) => problems({ "engine/container/a.ts": `import { ${names} } from "node:fs";` });
    expect(using("closeSync, readSync, fchmodSync, fstatSync, constants, type Stats")).toEqual([]);
    expect(using("closeSync, openSync")).toEqual([expect.stringContaining("(openSync)")]);
  });

  test.each([
    ["api/server/a.ts", "../../engine/index.ts"],
    ["api/cli/a.ts", "../client/index.ts"],
    ["engine/daemon.ts", "../images/index.ts"],
    ["images/store/a.ts", "../../engine/base/errors.ts"],
    ["engine/isolation/namespace/compile.ts", "../../../native/protocol.ts"],
    ["engine/store/a.ts", "node:fs"],
  ])("%s may import %s", (from, to) => {
    expect(problems({ [from]: `import { x } from "${to}";` })).toEqual([]);
  });

  test("a pure file may not read the clock, unless only its comment does", () => {
    expect(problems({ "engine/gc/mark.ts": "export const now = () => Date.now();" })).toHaveLength(1);
    expect(problems({ "engine/gc/mark.ts": "// never Date.now()\nexport const x = 1;" })).toEqual([]);
  });
});

test("a cycle is printed as its chain; a cycle of types alone is none", () => {
  const edge = (from: string, to: string, typeOnly = false) => ({ from, to, typeOnly, names: [] });
  expect(findCycle([edge("a", "b"), edge("b", "c"), edge("c", "b")])).toEqual(["b", "c", "b"]);
  expect(findCycle([edge("a", "b"), edge("b", "a", true)])).toBeUndefined();
});
