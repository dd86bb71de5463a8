/** The npm package: what is in it, and that it runs in a place without this repository, a compiler or TypeScript. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { because, distMissing, REPOSITORY } from "../../support/dist.ts";
import { run } from "../../support/process.ts";

describe.skipIf(distMissing !== undefined)(`npm pack${because(distMissing)}`, () => {
  let root: string;
  let home: string;

  /** Installs the package as npm would, with its dependencies taken from this checkout instead of the network. */
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "tare-pack-"));
    const packed = await run("npm", ["pack", "--ignore-scripts", "--pack-destination", root], { cwd: REPOSITORY });
    expect(packed.status, packed.stderr).toBe(0);
    const archive = readdirSync(root).find((name) => name.endsWith(".tgz")) ?? "";
    const modules = join(root, "lib/node_modules");
    mkdirSync(modules, { recursive: true });
    await run("tar", ["-xzf", join(root, archive), "-C", modules]);
    home = join(modules, "package");
    for (const name of ["koffi", "@koromix", `node-linux-${process.arch}`]) {
      symlinkSync(join(REPOSITORY, "node_modules", name), join(modules, name));
    }
    mkdirSync(join(root, "bin"));
    for (const name of ["ctr", "ctrd"])
      symlinkSync(`../lib/node_modules/package/dist/${name}`, join(root, "bin", name));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const env = { PATH: "/usr/bin:/bin" };

  test("holds the bundles, the prebuilt shim and the built-in image, and no sources", () => {
    const names = readdirSync(join(home, "dist"));
    const wanted = ["ctr", "ctr-shim", "ctr.cjs", "ctrd", "ctrd.cjs", "layer-worker.mjs", "builtin-image.tar"];
    expect(names).toEqual(expect.arrayContaining(wanted));
    expect(readdirSync(home).toSorted()).toEqual(["README.md", "dist", "package.json"]);
    for (const name of ["ctr", "ctrd", "ctr-shim"])
      expect(statSync(join(home, "dist", name)).mode & 0o111, name).toBe(0o111);
  });

  test("the shim is static: it runs on a machine without our C library", async () => {
    const { stdout } = await run("od", ["-A", "n", "-t", "x1", "-N", "4", join(home, "dist/ctr-shim")]);
    expect(stdout.trim()).toBe("7f 45 4c 46");
    const text = await run("grep", ["-c", "ld-linux\\|ld-musl", join(home, "dist/ctr-shim")]);
    expect(text.stdout.trim(), "no dynamic loader is named").toBe("0");
  });

  test("both commands run from where npm links them", async () => {
    for (const name of ["ctr", "ctrd"]) {
      const { status, stdout, stderr } = await run(join(root, "bin", name), ["--version"], { env });
      expect(stderr).toBe("");
      expect(stdout).toMatch(/\d+\.\d+\.\d+/);
      expect(status).toBe(0);
    }
    expect(existsSync(join(home, "node_modules"))).toBe(false);
  });
});
