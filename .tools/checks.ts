/** The static checks, each a command that prints nothing when all is well. `npm run check` and test/checks run the same list. */
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..");

export interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export const CHECKS: readonly Check[] = [
  { name: "format", command: "biome", args: ["format", "--colors=off", "--max-diagnostics=5", "."] },
  { name: "lint", command: "oxlint", args: ["--deny-warnings", "--quiet"] },
  { name: "types", command: "tsc", args: ["--noEmit", "-p", "."] },
  { name: "layers", command: "node", args: [".tools/layers.ts"] },
  { name: "sizes", command: "node", args: [".tools/sizes.ts"] },
  { name: "generated files", command: "node", args: [".tools/generate.ts", "--check"] },
];
