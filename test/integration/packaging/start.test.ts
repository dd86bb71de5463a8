/** `npm start` and `npm stop` as a stranger would use them, below temporary roots. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { because, dist, distMissing, REPOSITORY } from "../../support/dist.ts";
import { ask } from "../../support/http.ts";
import { cgroupsWith, nothingLeft, processesWith } from "../../support/machine.ts";
import { type Ran, run } from "../../support/process.ts";

describe.skipIf(distMissing !== undefined)(`npm start and npm stop${because(distMissing)}`, () => {
  let root: string;
  let socket: string;
  const tool = (name: string, args: readonly string[]): Promise<Ran> =>
    run(process.execPath, [join(REPOSITORY, ".tools", `${name}.mjs`), ...args], {
      timeoutMs: 120_000,
      cwd: REPOSITORY,
    });
  const places = (): string[] => ["--data-root", join(root, "data"), "--exec-root", join(root, "run")];

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "tare-start-"));
    socket = join(root, "run/tare.sock");
  });
  afterAll(async () => {
    for (const pid of processesWith([root])) process.kill(pid, "SIGKILL");
    rmSync(root, { recursive: true, force: true });
  });

  test("the first start runs a container from the built-in image and says what to type next", async () => {
    const { status, stdout, stderr } = await tool("start", places());
    expect(stderr).toMatch(/daemon +started, pid \d+ +\d+ ms/);
    expect(stderr).toMatch(/image +tare\/hello loaded/);
    expect(stderr).toMatch(/container +tare\/hello ran +\d+ ms/);
    expect(stdout).toContain("Next:");
    expect(stdout).toContain(socket);
    expect(status).toBe(0);
  });

  test("the second start reuses the daemon and the image", async () => {
    const { status, stderr } = await tool("start", places());
    expect(stderr).toMatch(/daemon +running, pid \d+/);
    expect(stderr).toMatch(/image +tare\/hello up to date/);
    expect(status).toBe(0);
  });

  test("a container goes on running when the daemon is stopped, and the next daemon knows it", async () => {
    const ctr = (...args: string[]): Promise<Ran> => run(dist("ctr"), ["--host", `unix://${socket}`, ...args]);
    expect(await ctr("run", "-d", "--network", "none", "--name", "nap", "tare/hello", "sleep", "1000")).toMatchObject({
      status: 0,
      stderr: "",
    });
    const before = (await ask(socket, "GET", "/containers/nap/json")).json as { State: { Pid: number } };
    expect(await tool("stop", ["--exec-root", join(root, "run")])).toMatchObject({ status: 0 });
    await expect(ask(socket, "GET", "/_ping")).rejects.toThrow(/ENOENT|ECONNREFUSED/);
    expect(existsSync(`/proc/${before.State.Pid}`)).toBe(true);
    expect(await tool("start", places())).toMatchObject({ status: 0 });
    const after = (await ask(socket, "GET", "/containers/nap/json")).json;
    expect(after).toMatchObject({ State: { Status: "running", Pid: before.State.Pid } });
    expect(await ctr("rm", "-f", "nap")).toMatchObject({ status: 0, stdout: "nap\n" });
  });

  test("stop leaves no process, and a second stop says that there is nothing to stop", async () => {
    expect(await tool("stop", ["--exec-root", join(root, "run")])).toMatchObject({ status: 0 });
    await nothingLeft([root]);
    const again = await tool("stop", ["--exec-root", join(root, "run")]);
    expect(again).toMatchObject({ status: 0 });
    expect(again.stderr).toContain("no daemon is listening");
    expect(cgroupsWith([root])).toEqual([]);
  });

  test("an unknown argument is named", async () => {
    const { status, stderr } = await tool("start", ["--dataroot", "/x"]);
    expect(status).toBe(1);
    expect(stderr).toContain("unknown argument --dataroot");
  });
});
