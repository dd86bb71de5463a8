import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
/** Made by an earlier RUN of the same build, so not in the repository. */
const BUILT = ["native/build/", "node_modules/", "dist/"];

interface Instruction {
  readonly word: string;
  readonly flags: readonly string[];
  readonly args: readonly string[];
}

function parse(text: string): Instruction[] {
  const lines = text
    .replace(/^\s*#.*$/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [word = "", ...rest] = line.trim().split(/\s+/);
    return {
      word,
      flags: rest.filter((arg) => arg.startsWith("--")),
      args: rest.filter((arg) => !arg.startsWith("--")),
    };
  });
}

const instructions = parse(readFileSync(join(root, "Dockerfile"), "utf8"));
const stages = instructions.filter(({ word }) => word === "FROM").map(({ args }) => args[2]);

describe("Dockerfile", () => {
  test("has the stages native, build, test and runtime, the last one shipped", () => {
    expect(stages).toEqual(["native", "build", "test", "runtime"]);
  });

  test("every COPY from the repository names something that exists", () => {
    const copies = instructions.filter(({ word, flags }) => word === "COPY" && flags.length === 0);
    const sources = copies.flatMap(({ args }) => args.slice(0, -1));
    expect(sources.length).toBeGreaterThan(8);
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
  });

  test("every COPY from a stage names an earlier stage and something built there", () => {
    const copies = instructions.filter(({ flags }) => flags.some((flag) => flag.startsWith("--from=")));
    for (const { flags, args } of copies) {
      expect(stages).toContain(flags[0]?.slice("--from=".length));
      for (const source of args.slice(0, -1)) {
        const path = source.replace("/src/", "");
        expect(BUILT.some((prefix) => path.startsWith(prefix)) || existsSync(join(root, path)), source).toBe(true);
      }
    }
  });

  test("every folder that the build bundles from is copied into it", () => {
    const copied = instructions.filter(({ word }) => word === "COPY").flatMap(({ args }) => args.slice(0, -1));
    for (const folder of ["native/", "images/", "engine/", "api/", ".tools/"]) expect(copied).toContain(folder);
  });
});
