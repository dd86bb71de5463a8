/** `ctr` with a daemon and a kernel: sessions, exit statuses, terminals, signals. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { busyboxArchive, busyboxPath } from "../../support/busybox-image.ts";
import { startDaemon, type TestDaemon } from "../../support/daemon.ts";
import { finished } from "../../support/process.ts";
import { hasPty, openTerminal, type TerminalSession } from "../../support/pty.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
const CTR = [join(REPOSITORY, "node_modules/.bin/node"), join(REPOSITORY, "api/cli/main.ts")];

describe.skipIf(busyboxPath === undefined)("ctr (needs busybox-static)", () => {
  let daemon: TestDaemon;
  let folder: string;
  const env = () => ({ PATH: process.env["PATH"], HOME: folder, TERM: "xterm", CTR_HOST: `unix://${daemon.socket}` });
  const ctr = (...args: string[]) => daemon.ctr(args, { cwd: folder });
  /** stderr without the note that there is no bridge yet. */
  const complaints = (text: string) => text.replace(/^WARNING: .*\n/gm, "");

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ctr-"));
    daemon = await startDaemon();
    writeFileSync(join(folder, "busybox.tar"), (await busyboxArchive()).archive);
    const { status, stdout } = await ctr("load", "-i", "busybox.tar");
    expect([status, stdout]).toEqual([0, "Loaded image: busybox:latest\n"]);
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([0, 1, 42, 125, 126, 127, 255])("run ends with status %d of the program", async (status) => {
    expect((await ctr("run", "--rm", "busybox", "sh", "-c", `exit ${status}`)).status).toBe(status);
  });

  it.each([
    ["KILL", 137],
    ["TERM", 143],
  ])("a program that dies of SIG%s gives %d", async (signal, status) => {
    expect((await ctr("run", "--rm", "--init", "busybox", "sh", "-c", `kill -${signal} $$; sleep 60`)).status).toBe(
      status,
    );
  });

  it("says 127 and 126 when the program cannot be run, and leaves nothing with --rm", async () => {
    const missing = await ctr("run", "--rm", "busybox", "/no/such");
    expect([missing.status, missing.stderr]).toEqual([
      127,
      expect.stringMatching(/ctr: Error response from daemon: .*no such file or directory/),
    ]);
    const forbidden = await ctr("run", "--rm", "busybox", "/etc/passwd");
    expect([forbidden.status, forbidden.stderr]).toEqual([126, expect.stringContaining("permission denied")]);
    expect((await ctr("ps", "-aq")).stdout).toBe("");
  });

  it("keeps stdout and stderr apart", async () => {
    const { stdout, stderr } = await ctr("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2");
    expect([stdout, complaints(stderr)]).toEqual(["out\n", "err\n"]);
  });

  it("closes the program's stdin when ours ends, with 4 MiB both ways", async () => {
    const input = Buffer.alloc(4 << 20, "0123456789abcde\n");
    const { status, stdout } = await daemon.ctr(["run", "--rm", "-i", "busybox", "sh", "-c", "cat; echo end"], {
      input,
      cwd: folder,
    });
    expect(status).toBe(0);
    expect(stdout.length).toBe(input.length + "end\n".length);
    expect(stdout.endsWith("end\n")).toBe(true);
  });

  it("exec passes streams, status and where it runs", async () => {
    await ctr("run", "-d", "--name", "exec-target", "busybox", "sleep", "1000");
    const { stdout, stderr, status } = await ctr(
      "exec",
      "-w",
      "/tmp",
      "-e",
      "A=b",
      "-u",
      "65534",
      "exec-target",
      "sh",
      "-c",
      "pwd; echo $A; id -u; echo bad >&2; exit 9",
    );
    expect([stdout, stderr, status]).toEqual(["/tmp\nb\n65534\n", "bad\n", 9]);
    const piped = await daemon.ctr(["exec", "-i", "exec-target", "cat"], { input: "through", cwd: folder });
    expect([piped.stdout, piped.status]).toEqual(["through", 0]);
    expect((await ctr("exec", "exec-target", "/no/such")).status).toBe(127);
    await ctr("rm", "-f", "exec-target");
  });

  it("start -a gives the output and status again, logs have both runs", async () => {
    await ctr("create", "--name", "again", "busybox", "sh", "-c", "echo run; exit 5");
    for (let round = 0; round < 2; round++) {
      const { stdout, status } = await ctr("start", "-a", "again");
      expect([stdout, status]).toEqual(["run\n", 5]);
    }
    expect((await ctr("logs", "again")).stdout).toBe("run\nrun\n");
    expect((await ctr("logs", "-n", "1", "-t", "again")).stdout).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z run\n$/,
    );
    expect((await ctr("wait", "again")).stdout).toBe("5\n");
    await ctr("rm", "again");
  });

  it("writes the id file, refuses an existing one, and --timings shows the phases", async () => {
    const { stderr, status } = await ctr("run", "--rm", "--cidfile", "id", "--timings", "busybox", "true");
    expect(status).toBe(0);
    expect(readFileSync(join(folder, "id"), "utf8")).toMatch(/^[0-9a-f]{64}$/);
    expect(stderr).toMatch(/PHASE +AT +TOOK/);
    expect((await ctr("run", "--cidfile", "id", "busybox")).status).toBe(125);
    expect((await ctr("ps", "-aq")).stdout).toBe("");
    const failed = await ctr("run", "--cidfile", "other", "--network", "container:nobody", "no-such-image");
    expect([failed.status, existsSync(join(folder, "other"))]).toEqual([125, false]);
  });

  it("hands its signals to the program", async () => {
    const script = "trap 'echo got; exit 7' USR1; echo ready; while :; do sleep 0.1; done";
    const child = spawn(CTR[0] ?? "", [...CTR.slice(1), "run", "--rm", "busybox", "sh", "-c", script], { env: env() });
    const ended = finished(child);
    await new Promise<void>((resolve) =>
      child.stdout.on("data", (chunk: Buffer) => chunk.includes("ready") && resolve()),
    );
    child.kill("SIGUSR1");
    expect(await ended).toMatchObject({ status: 7, stdout: "ready\ngot\n" });
  });

  it("ends quietly when its reader has gone", async () => {
    const pipeline = `${CTR.join(" ")} run --rm busybox yes | head -n 1`;
    const { stdout } = await finished(spawn("bash", ["-c", pipeline], { env: env() }));
    expect(stdout).toBe("y\n");
    // The container goes on, as with docker: nobody told it to end.
    const ids = (await ctr("ps", "-q")).stdout.trim().split("\n").filter(Boolean);
    if (ids.length > 0) await ctr("rm", "-f", ...ids);
  });

  describe.skipIf(!hasPty)("in a terminal (needs python3)", () => {
    const terminal = (
      args: readonly string[],
      size: { rows: number; columns: number } = { rows: 30, columns: 100 },
    ): TerminalSession => openTerminal([...CTR, ...args], { ...size, env: env(), cwd: folder });

    it("runs a shell: prompt, echo, ctrl-c, exit status", async () => {
      await using session = terminal(["run", "-it", "--rm", "busybox", "sh"]);
      await session.waitFor(/# /);
      // Only once it has said so has the shell given the terminal its signal keys back.
      session.type("echo $((4 + 5))-up; sleep 1000\r");
      await session.waitFor(/\r\n9-up\r\n/);
      session.type("\x03");
      await session.waitFor(/9-up.*# /s);
      session.type("tty; echo done-$((6 * 7))\r");
      await session.waitFor(/\/dev\/(pts\/0|console)\r\n.*done-42/s);
      session.type("exit 3\r");
      expect(await session.exited).toBe(3);
    });

    it("has the caller's size from the start and follows it", async () => {
      await using session = terminal(
        [
          "run",
          "-it",
          "--rm",
          "busybox",
          "sh",
          "-c",
          "trap 'stty size' WINCH; stty size; echo up; while :; do sleep 0.1; done",
        ],
        { rows: 31, columns: 97 },
      );
      await session.waitFor(/31 97\r\n/);
      await session.waitFor(/up\r\n/);
      session.resize(40, 120);
      await session.waitFor(/40 120\r\n/);
      session.type("\x03");
      await session.exited;
    });

    it("leaves with the detach keys and comes back with attach", async () => {
      await using first = terminal(["run", "-it", "--name", "stays", "busybox", "sh"]);
      await first.waitFor(/# /);
      first.type("X=kept\r");
      await first.waitFor(/X=kept\r\n.*# /s);
      first.type("\x10\x11");
      expect(await first.exited).toBe(0);
      expect((await ctr("inspect", "-f", "{{.State.Running}}", "stays")).stdout).toBe("true\n");
      await using second = terminal(["attach", "--detach-keys", "ctrl-x,x", "stays"]);
      second.type("echo $X-back\r");
      await second.waitFor(/kept-back/);
      second.type("\x18x");
      // docker's words and status
      await second.waitFor(/read escape sequence/);
      expect(await second.exited).toBe(1);
      await using third = terminal(["attach", "stays"]);
      third.type("exit 4\r");
      expect(await third.exited).toBe(4);
      await ctr("rm", "-f", "stays");
    });

    it("exec -it is a terminal too", async () => {
      await ctr("run", "-d", "--name", "shell", "busybox", "sleep", "1000");
      await using session = terminal(["exec", "-it", "shell", "sh"], { rows: 33, columns: 88 });
      await session.waitFor(/# /);
      session.type("stty size; exit 6\r");
      await session.waitFor(/33 88/);
      expect(await session.exited).toBe(6);
      await ctr("rm", "-f", "shell");
    });

    it("gives the terminal back as it was, also when the start fails", async () => {
      const shell = `before=$(stty -g); ${CTR.join(" ")} run -it --rm busybox /no/such; echo status $?; [ "$before" = "$(stty -g)" ] && echo same`;
      await using session = openTerminal(["sh", "-c", shell], { env: env(), cwd: folder });
      await session.waitFor(/status 127\r\nsame\r\n/);
    });
  });
});
