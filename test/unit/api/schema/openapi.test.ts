import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { allRoutes, openApi, parseApiVersion } from "../../../../api/schema/index.ts";

/** Regenerate after a reviewed change: node -e 'import("./api/schema/index.ts").then((m) => console.log(JSON.stringify(m.openApi(), null, 1)))' */
test("the OpenAPI document is the reviewed one", async () => {
  await expect(`${JSON.stringify(openApi(), null, 1)}\n`).toMatchFileSnapshot(
    join(import.meta.dirname, "openapi.golden.json"),
  );
});

test("every row is one operation with its own method and path", () => {
  const keys = Object.values(allRoutes).map(({ method, path }) => `${method} ${path}`);
  expect(new Set(keys).size).toBe(keys.length);
});

/** The rows that a docker client of the 1.51 API may call, from its API description; kept as text so that no row is lost. */
test("every operation of Docker's API 1.51 has a row", () => {
  const known = new Set(
    Object.values(allRoutes).map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, "{}")}`),
  );
  const lines = readFileSync(join(import.meta.dirname, "docker-1.51-operations.txt"), "utf8")
    .trim()
    .split("\n");
  expect(lines.filter((line) => !known.has(line))).toEqual([]);
});

test("versions", () => {
  expect(["1.24", "1.51", "1.100", "2.0", "0.9"].map(parseApiVersion)).toEqual([24, 51, 100, 1000, -991]);
});
