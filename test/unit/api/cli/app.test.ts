import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { startFakeDaemon } from "./fake-daemon.ts";
import { ctr } from "./in-process.ts";

const nobody = "unix:///nonexistent/tare.sock";

describe("what goes wrong", () => {
  it.each<[string[], number, string]>([
    [["foo"], 1, "ctr: unknown command: ctr foo\n\nRun 'ctr --help' for more information\n"],
    [
      ["imagse"],
      1,
      "ctr: unknown command: ctr imagse\n\nDid you mean 'ctr images'?\n\nRun 'ctr --help' for more information\n",
    ],
    [
      ["container", "fo"],
      1,
      "ctr: unknown command: ctr container fo\n\nUsage:  ctr container\n\nRun 'ctr container --help' for more information\n",
    ],
    [
      ["--foo", "ps"],
      125,
      "unknown flag: --foo\n\nUsage:  ctr [OPTIONS] COMMAND [ARG...]\n\nRun 'ctr --help' for more information\n",
    ],
    [
      ["run", "--foo", "x"],
      125,
      "unknown flag: --foo\n\nUsage:  ctr run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'ctr run --help' for more information\n",
    ],
    [
      ["container", "ls", "x"],
      1,
      "ctr: 'ctr container ls' accepts no arguments\n\nUsage:  ctr container ls [OPTIONS]\n\nRun 'ctr container ls --help' for more information\n",
    ],
    [
      ["run"],
      1,
      "ctr: 'ctr run' requires at least 1 argument\n\nUsage:  ctr run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nSee 'ctr run --help' for more information\n",
    ],
    [
      ["rename", "a"],
      1,
      "ctr: 'ctr rename' requires 2 arguments\n\nUsage:  ctr rename CONTAINER NEW_NAME\n\nRun 'ctr rename --help' for more information\n",
    ],
    [["-H", "ssh://x", "ps"], 1, 'invalid host "ssh://x": only unix:// and tcp:// addresses are supported\n'],
    [
      ["ps"],
      1,
      `Cannot connect to the tare daemon at ${nobody}. Is ctrd running? Start it with: ctrd (or npm start in a checkout)\n`,
    ],
  ])("%j", async (argv, status, stderr) => {
    expect(await ctr(nobody, argv)).toEqual({ status, stdout: "", stderr });
  });

  it("shows the causes with --debug only", async () => {
    const quiet = await ctr(nobody, ["ps"]);
    const loud = await ctr(nobody, ["--debug", "ps"]);
    expect(quiet.stderr).not.toContain("caused by");
    expect(loud.stderr).toContain("caused by: Error: connect ENOENT /nonexistent/tare.sock");
  });

  it("prints a hint below the daemon's message", async () => {
    await using daemon = await startFakeDaemon();
    daemon.canned = { "GET /containers/json": () => ({ status: 500, body: { message: "broken", hint: "mend it" } }) };
    expect(await ctr(daemon.host, ["ps"])).toEqual({
      status: 1,
      stdout: "",
      stderr: "Error response from daemon: broken\nhint: mend it\n",
    });
  });

  it("names every container that failed, once, after those that did not", async () => {
    await using daemon = await startFakeDaemon();
    daemon.canned = {
      "POST /containers/a/stop": () => ({ status: 204 }),
      "POST /containers/b/stop": () => ({ status: 404, body: { message: "No such container: b" } }),
      "POST /containers/c/stop": () => ({ status: 304 }),
    };
    expect(await ctr(daemon.host, ["stop", "-t", "0", "a", "b", "c"])).toEqual({
      status: 1,
      stdout: "a\nc\n",
      stderr: "Error response from daemon: No such container: b\n",
    });
    expect(daemon.requests.map(({ query }) => query)).toEqual([{ t: "0" }, { t: "0" }, { t: "0" }]);
  });
});

describe("which daemon", () => {
  it("is -H, then CTR_HOST, then DOCKER_HOST, then the default", async () => {
    await using one = await startFakeDaemon();
    await using two = await startFakeDaemon();
    for (const daemon of [one, two]) daemon.canned = { "GET /containers/json": [] };
    await ctr(one.host, ["-H", two.host, "ps"]);
    expect([one.requests.length, two.requests.length]).toEqual([0, 1]);
    await ctr("", ["ps"], { env: { CTR_HOST: one.host, DOCKER_HOST: two.host } });
    expect([one.requests.length, two.requests.length]).toEqual([1, 1]);
    await ctr("", ["ps"], { env: { DOCKER_HOST: two.host } });
    expect([one.requests.length, two.requests.length]).toEqual([1, 2]);
    expect((await ctr("", ["ps"])).stderr).toMatch(/at unix:\/\/\/run\/tare\/tare.sock|^$/);
  });
});

describe("help", () => {
  it("is on stdout when asked for, with usage, flags by group and examples", async () => {
    const { status, stdout, stderr } = await ctr(nobody, ["run", "--help"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^Usage:  ctr run \[OPTIONS\] IMAGE \[COMMAND\] \[ARG...\]\n\nCreate and run a new container from an image\n/,
    );
    for (const part of [
      "\nLimits:\n",
      "\nNetwork:\n",
      "  -m, --memory bytes",
      "\nExamples:\n",
      "Aliases:\n  ctr run, ctr container run\n",
    ])
      expect(stdout).toContain(part);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  it("exists for every command and group, without a daemon", async () => {
    const { tree } = await import("../../../../api/cli/commands/index.ts");
    for (const path of [...tree.groups.map(({ name }) => name), ...tree.entries.flatMap(({ paths }) => paths)]) {
      const { status, stdout } = await ctr(nobody, [...path.split(" "), "--help"]);
      expect([path, status, stdout.startsWith(`Usage:  ctr ${path}`)]).toEqual([path, 0, true]);
    }
  });

  it("of ctr itself lists the common commands first", async () => {
    const { stdout } = await ctr(nobody, []);
    expect(stdout.indexOf("  run ")).toBeLessThan(stdout.indexOf("  attach "));
    expect((await ctr(nobody, ["--help"])).stdout).toBe(stdout);
    expect((await ctr(nobody, ["help", "ps"])).stdout).toMatch(/^Usage: {2}ctr ps/);
  });
});

describe("completion", () => {
  const words = async (host: string, ...typed: string[]) =>
    (await ctr(host, ["__complete", ...typed])).stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("\t")[0]);

  it.each<[string[], string[]]>([
    [["st"], ["start", "stats", "stop"]],
    [["container", "re"], ["rename", "restart", "rm"].filter((name) => name.startsWith("re"))],
    [
      ["run", "--memory-s"],
      ["--memory-swap", "--memory-swappiness"],
    ],
    [["run", "--restart", "un"], ["unless-stopped"]],
    [["run", "busybox", "--me"], []],
    [["nonsense", "x"], []],
  ])("%j", async (typed, expected) => {
    expect(await words(nobody, ...typed)).toEqual(expected);
  });

  it("asks the daemon for names, and is silent without one", async () => {
    await using daemon = await startFakeDaemon();
    daemon.canned = {
      "GET /containers/json": [
        { Names: ["/web"], Status: "Up" },
        { Names: ["/worker"], Status: "Up" },
      ],
      "GET /images/json": [{ RepoTags: ["busybox:latest"] }],
    };
    expect(await words(daemon.host, "stop", "we")).toEqual(["web"]);
    expect(await words(daemon.host, "run", "--rm", "-e", "A=b", "bus")).toEqual(["busybox:latest"]);
    expect(await words(nobody, "stop", "")).toEqual([]);
    expect(await words(nobody, "-D", "-H", daemon.host, "stop", "wo")).toEqual(["worker"]);
  });

  it.each(["bash", "zsh", "fish"])("has a script for %s", async (shell) => {
    const { status, stdout } = await ctr(nobody, ["completion", shell]);
    expect(status).toBe(0);
    expect(stdout).toContain(" __complete ");
  });
});

describe.skipIf(spawnSync("bash", ["--version"]).status !== 0)("the script for bash (needs bash)", () => {
  /** What COMPREPLY holds after Tab; `ctr` is a function that prints candidates and the words it was asked for. */
  async function tab(line: string, candidates: string): Promise<string[]> {
    const { stdout } = await ctr(nobody, ["completion", "bash"]);
    const script = `${stdout}
ctr() { printf '%s\\n' "$*" >&2; printf '${candidates}'; }
COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}
_ctr; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const found = spawnSync("bash", ["-c", script.replaceAll("2>/dev/null", "")], { encoding: "utf8" });
    return [found.stderr.trim(), ...found.stdout.trim().split("\n")];
  }

  it("asks for the words as typed and gives back what follows a colon", async () => {
    expect(await tab("ctr run -e A=b busybox:l", "busybox:latest\\timage\\nbusybox:long\\timage\\n")).toEqual([
      "__complete run -e A=b busybox:l",
      "latest",
      "long",
    ]);
    expect(await tab("ctr stop ", "web\\tUp 2 minutes\\n")).toEqual(["__complete stop", "web"]);
  });
});

describe("prune asks first", () => {
  it.each([
    ["y\n", 0, 1],
    ["n\n", 1, 0],
    ["", 1, 0],
  ])("%j", async (typed, status, requests) => {
    await using daemon = await startFakeDaemon();
    daemon.canned = { "POST /containers/prune": { ContainersDeleted: ["abc"], SpaceReclaimed: 1234567 } };
    const outcome = await ctr(daemon.host, ["container", "prune"], { stdin: Buffer.from(typed) });
    expect([outcome.status, daemon.requests.length]).toEqual([status, requests]);
    if (status === 0) expect(outcome.stdout).toBe("Deleted Containers:\nabc\n\nTotal reclaimed space: 1.235MB\n");
    else expect(outcome.stderr).toContain("container prune has been cancelled");
  });
});
