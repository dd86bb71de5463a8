/** What `npm run build` made; tests of packaging need it, `npm test` makes it first. */
import { existsSync } from "node:fs";
import { join } from "node:path";

export const REPOSITORY = join(import.meta.dirname, "../..");
export const dist = (name: string): string => join(REPOSITORY, "dist", name);

const missing = ["ctr", "ctrd", "ctrd.cjs", "ctr-shim", "builtin-image.tar"].filter((name) => !existsSync(dist(name)));

/** Why tests of dist/ cannot run; undefined when they can. */
export const distMissing: string | undefined =
  process.getuid?.() !== 0
    ? "needs root"
    : missing.length > 0
      ? `dist/${missing[0]} is missing: npm run build`
      : undefined;
export const because = (reason: string | undefined): string => (reason === undefined ? "" : ` (skipped: ${reason})`);
