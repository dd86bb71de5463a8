/** The real docker command against the daemon: the sentences of "what a stranger can do", with exit codes exactly as docker's. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { busyboxArchive, busyboxPath } from "../support/busybox-image.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { docker as runDocker, dockerEnv, dockerPath } from "../support/docker.ts";
import { finished, type RunOptions } from "../support/process.ts";
import { hasPty, openTerminal } from "../support/pty.ts";

const missing =
  dockerPath === undefined ? "the docker command" : busyboxPath === undefined ? "busybox-static" : undefined;

describe.skipIf(missing !== undefined)(`docker (needs ${missing ?? "nothing more"})`, () => {
  let daemon: TestDaemon;
  let folder: string;
  let imageId: string;
  const docker = (...args: string[]) => runDocker(daemon.socket, args);
  const dockerWith = (options: RunOptions, ...args: string[]) => runDocker(daemon.socket, args, options);
  const out = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await docker(...args);
    if (status !== 0) throw new Error(`docker ${args.join(" ")} ended with ${status}: ${stderr}`);
    return stdout;
  };
  const spawned = (...args: string[]) => spawn(dockerPath ?? "", args, { env: dockerEnv(daemon.socket) });
  const terminal = (...args: string[]) =>
    openTerminal([dockerPath ?? "", ...args], {
      rows: 30,
      columns: 100,
      env: { ...dockerEnv(daemon.socket), TERM: "xterm" },
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "docker-cli-"));
    chmodSync(folder, 0o755); // bound into a container whose user is nobody
    daemon = await startDaemon();
    const { archive, id } = await busyboxArchive();
    imageId = id;
    writeFileSync(join(folder, "busybox.tar"), archive);
    expect(await out("load", "-i", join(folder, "busybox.tar"))).toBe("Loaded image: busybox:latest\n");
  });
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  describe("what it prints about engine and images", () => {
    it("version and info", async () => {
      expect(await out("version", "--format", "{{.Server.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}")).toMatch(
        /^1\.51 linux\/\w+\n$/,
      );
      expect(await out("info", "--format", "{{.OSType}} {{.Driver}} {{.Swarm.LocalNodeState}}")).toBe(
        "linux overlay2 inactive\n",
      );
    });
    it("images with docker's id", async () => {
      expect(await out("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}")).toBe(
        `busybox:latest ${imageId}\n`,
      );
      expect(await out("image", "inspect", "busybox", "--format", "{{.Id}} {{.Os}} {{json .Config.Cmd}}")).toBe(
        `${imageId} linux ["sh"]\n`,
      );
      expect(await out("history", "--format", "{{.CreatedBy}}", "busybox")).toBe("busybox\n");
    });
    it("tag, rmi by name, rmi in use", async () => {
      await out("tag", "busybox", "other/name:1");
      expect(await out("rmi", "other/name:1")).toBe("Untagged: other/name:1\n");
      await out("create", "--name", "user", "busybox");
      const refused = await docker("rmi", "busybox");
      expect([refused.status, refused.stderr]).toEqual([
        1,
        expect.stringContaining("conflict: unable to remove repository reference"),
      ]);
      await out("rm", "user");
    });
    it("networks and volumes that exist, and a clear no for those that do not yet", async () => {
      expect((await out("network", "ls", "--format", "{{.Name}} {{.Driver}}")).trim().split("\n")).toEqual([
        "bridge bridge",
        "host host",
        "none null",
      ]);
      expect((await docker("network", "create", "x")).stderr).toContain("not implemented yet");
      expect(await out("volume", "ls", "-q")).toBe("");
      await out("system", "df");
    });
  });

  describe("run", () => {
    it.each([0, 1, 2, 42, 125, 126, 127, 128, 137, 255])("gives the program's status %d", async (status) => {
      expect((await docker("run", "--rm", "busybox", "sh", "-c", `exit ${status}`)).status).toBe(status);
    });
    it("prints, and keeps stdout and stderr apart", async () => {
      expect(await out("run", "--rm", "busybox", "echo", "hi")).toBe("hi\n");
      const { stdout, stderr } = await docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2");
      expect([stdout, stderr.replace(/^WARNING: .*\n/gm, "")]).toEqual(["out\n", "err\n"]);
    });
    it("126, 127 and 125", async () => {
      const cases = [
        ["nosuch", 127, "executable file not found in $PATH"],
        ["/no/such", 127, "no such file or directory"],
        ["/etc/passwd", 126, "permission denied"],
        ["/etc", 126, "permission denied"],
      ] as const;
      for (const [program, status, text] of cases) {
        const ran = await docker("run", "--rm", "busybox", program);
        expect([program, ran.status, ran.stderr]).toEqual([program, status, expect.stringContaining(text)]);
      }
      const unknown = await docker("run", "missing:latest");
      expect([unknown.status, unknown.stderr]).toEqual([
        125,
        expect.stringMatching(/Unable to find image 'missing:latest' locally[^]*pulling missing:latest/),
      ]);
      expect((await docker("run", "--rm", "-m", "1m", "busybox")).status).toBe(125);
      expect(await out("ps", "-aq")).toBe("");
    });
    it("stdin until its end, 4 MiB through and back", async () => {
      expect((await dockerWith({ input: "hello" }, "run", "-i", "--rm", "busybox", "cat")).stdout).toBe("hello");
      const big = "0123456789abcdef".repeat(256 * 1024);
      const { stdout } = await dockerWith({ input: big }, "run", "-i", "--rm", "busybox", "cat");
      expect(stdout === big).toBe(true);
    });
    it("options reach the container", async () => {
      const probe =
        "id -u; hostname; pwd; echo $A; cat /proc/self/limits | grep 'open files' | tr -s ' ' | cut -d' ' -f4; ls /data; cat /proc/1/comm";
      writeFileSync(join(folder, "marker"), "");
      const args = [
        "--user",
        "65534",
        "--hostname",
        "h1",
        "-w",
        "/tmp",
        "-e",
        "A=b c",
        "--ulimit",
        "nofile=64:64",
        "-v",
        `${folder}:/data:ro`,
        "--init",
      ];
      const text = await out("run", "--rm", ...args, "busybox", "sh", "-c", probe);
      const lines = text.trim().split("\n");
      expect(lines.slice(0, 5)).toEqual(["65534", "h1", "/tmp", "b c", "64"]);
      expect(lines).toContain("marker");
      expect(lines.at(-1)).not.toBe("sh");
    });
    it("--cidfile, --name, labels, --entrypoint", async () => {
      const file = join(folder, "cid");
      await out("run", "--cidfile", file, "--name", "named", "-l", "a=b", "--entrypoint", "echo", "busybox", "x");
      const id = readFileSync(file, "utf8");
      expect(await out("inspect", "--format", "{{.Id}} {{.Path}} {{.Args}} {{.Config.Labels.a}}", "named")).toBe(
        `${id} echo [x] b\n`,
      );
      expect(await out("ps", "-a", "--filter", "label=a=b", "--format", "{{.Names}} {{.Image}} {{.Command}}")).toBe(
        'named busybox "echo x"\n',
      );
      const taken = await docker("create", "--name", "named", "busybox");
      expect([taken.status, taken.stderr]).toEqual([
        1,
        expect.stringContaining(`The container name "/named" is already in use by container "${id}"`),
      ]);
      await out("rm", "named");
    });
    it("signals are passed on: TERM 143, KILL 137", async () => {
      for (const [signal, status] of [
        ["SIGTERM", 143],
        ["SIGINT", 130],
      ] as const) {
        const child = spawned("run", "--rm", "--init", "busybox", "sh", "-c", "echo up; exec sleep 60");
        await new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
        child.kill(signal);
        expect((await finished(child)).status).toBe(status);
      }
      const id = (await out("run", "-d", "busybox", "sleep", "60")).trim();
      await out("kill", "-s", "KILL", id);
      expect(await out("wait", id)).toBe("137\n");
      await out("rm", id);
    });
  });

  describe("a container's life", () => {
    it("run -d, ps, stop -t, start, restart, pause, kill, wait, rename, rm -f", async () => {
      const id = (await out("run", "-d", "--name", "web", "busybox", "sleep", "1000")).trim();
      expect(id).toMatch(/^[0-9a-f]{64}$/);
      expect(await out("ps", "--format", "{{.ID}} {{.Names}} {{.State}}")).toBe(`${id.slice(0, 12)} web running\n`);
      expect((await docker("rm", "web")).stderr).toContain("stop the container before removing or force remove");
      await out("pause", "web");
      expect(await out("ps", "--format", "{{.Status}}")).toMatch(/^Up .* \(Paused\)\n$/);
      expect((await docker("exec", "web", "true")).stderr).toContain("is paused, unpause the container before exec");
      await out("unpause", "web");
      await out("stop", "-t", "0", "web");
      expect(await out("ps", "-a", "--format", "{{.Status}}")).toMatch(/^Exited \(137\) .* ago\n$/);
      expect((await docker("kill", "web")).stderr).toMatch(/[Cc]annot kill container: web: .*is not running/);
      expect(await out("start", "web")).toBe("web\n");
      expect(await out("start", "web")).toBe("web\n");
      await out("restart", "-t", "0", "web");
      await out("rename", "web", "api");
      await out("update", "--restart", "on-failure:3", "api");
      expect(
        await out(
          "inspect",
          "--format",
          "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}",
          "api",
        ),
      ).toBe("on-failure 3\n");
      expect(await out("top", "api", "-o", "pid,comm")).toMatch(/PID\s+COMMAND\n\d+\s+sleep/);
      expect(await out("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "api")).toBe("api 1\n");
      expect(await out("rm", "-f", "api")).toBe("api\n");
      expect((await docker("inspect", "api")).status).toBe(1);
    });
    it("exec: output, stdin, status, environment, user, errors", async () => {
      await out("run", "-d", "--name", "web", "-e", "A=1", "busybox", "sleep", "1000");
      const { status, stdout, stderr } = await docker(
        "exec",
        "-e",
        "B=2",
        "-w",
        "/tmp",
        "web",
        "sh",
        "-c",
        "echo $A$B; pwd; echo e >&2; exit 7",
      );
      expect([status, stdout, stderr]).toEqual([7, "12\n/tmp\n", "e\n"]);
      expect((await dockerWith({ input: "in" }, "exec", "-i", "web", "cat")).stdout).toBe("in");
      expect(await out("exec", "-u", "daemon", "web", "id", "-un")).toBe("daemon\n");
      const absent = await docker("exec", "web", "nosuch");
      expect([absent.status, absent.stdout + absent.stderr]).toEqual([
        127,
        expect.stringContaining("executable file not found in $PATH"),
      ]);
      expect((await docker("exec", "-d", "web", "touch", "/tmp/made")).status).toBe(0);
      expect((await docker("exec", "gone", "true")).stderr).toContain("No such container: gone");
      await out("rm", "-f", "web");
    });
    it("logs: all, --tail, --since, --timestamps, -f to the end", async () => {
      await out(
        "run",
        "--name",
        "talk",
        "busybox",
        "sh",
        "-c",
        "for i in 1 2 3 4 5; do echo line $i; done; echo e >&2",
      );
      expect((await docker("logs", "talk")).stdout).toBe("line 1\nline 2\nline 3\nline 4\nline 5\n");
      expect((await docker("logs", "talk")).stderr).toBe("e\n");
      expect((await docker("logs", "--tail", "2", "talk")).stdout).toBe("line 5\n");
      expect((await docker("logs", "-t", "talk")).stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 1\n/);
      expect((await docker("logs", "--since", "1h", "talk")).stdout).toContain("line 1");
      expect((await docker("logs", "--until", "1h", "talk")).stdout).toBe("");
      await out("rm", "talk");
      const id = (await out("run", "-d", "-i", "busybox", "sh", "-c", "echo first; read x; echo $x")).trim();
      const follow = spawned("logs", "-f", id);
      await new Promise<void>((resolve) => follow.stdout.once("data", () => resolve()));
      const all = finished(follow);
      const attached = spawned("attach", id);
      attached.stdin.write("second\n"); // its end would end the attach at once: no StdinOnce after run -d
      expect((await finished(attached)).stdout).toBe("second\n");
      expect((await all).status).toBe(0);
      expect(await out("logs", id)).toBe("first\nsecond\n");
      await out("rm", id);
    });
    it("start -a and -ai give output and status", async () => {
      await out("create", "--name", "again", "-i", "busybox", "sh", "-c", "cat; exit 5");
      const ran = await dockerWith({ input: "typed" }, "start", "-ai", "again");
      expect([ran.status, ran.stdout]).toEqual([5, "typed"]);
      await out("rm", "again");
      await out("create", "--name", "again", "busybox", "sh", "-c", "echo x; exit 3");
      const plain = await docker("start", "-a", "again");
      expect([plain.status, plain.stdout]).toEqual([3, "x\n"]);
      await out("rm", "again");
    });
    it("events in order", async () => {
      const since = String(Math.floor(Date.now() / 1000));
      await out("run", "--rm", "--name", "seen", "busybox", "true");
      const until = String(Math.ceil(Date.now() / 1000) + 1); // the command sends whole seconds
      const text = await out(
        "events",
        "--since",
        since,
        "--until",
        until,
        "--filter",
        "container=seen",
        "--format",
        "{{.Action}}",
      );
      expect(text.trim().split("\n")).toEqual(["create", "attach", "start", "die", "destroy"]);
    });
    it("prune", async () => {
      await out("run", "--name", "old", "busybox", "true");
      expect(await out("container", "prune", "-f")).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n/);
    });
  });

  describe.skipIf(!hasPty)("in a terminal (needs python3)", () => {
    it("run -it: prompt, size, resize, ctrl-c, status", async () => {
      await using session = terminal("run", "-it", "--rm", "busybox", "sh");
      await session.waitFor(/# /);
      session.type("stty size; echo $TERM\r");
      await session.waitFor(/30 100\r\n/);
      await session.waitFor(/xterm\r\n/);
      session.type('while [ "$(stty size)" = "30 100" ]; do usleep 10000; done; stty size\r');
      session.resize(40, 120);
      await session.waitFor(/40 120\r\n/);
      session.type("sh -c 'echo on-$((1+1)); sleep 100'\r");
      await session.waitFor(/on-2\r\n/);
      session.type("\x03");
      await session.waitFor(/on-2\r\n[^]*\/ # /);
      session.type("exit 9\r");
      expect(await session.exited).toBe(9);
    });
    it("detach keys leave it running; attach comes back", async () => {
      const session = terminal("run", "-it", "--name", "term", "busybox", "sh");
      await session.waitFor(/# /);
      session.type("\x10\x11");
      expect(await session.exited).toBe(0);
      expect(await out("inspect", "--format", "{{.State.Running}}", "term")).toBe("true\n");
      await using again = terminal("attach", "term");
      again.type("echo back-$((40+2))\r");
      await again.waitFor(/back-42/);
      again.type("exit 4\r");
      expect(await again.exited).toBe(4);
      await out("rm", "term");
    });
    it("exec -it", async () => {
      await out("run", "-d", "--name", "shell", "busybox", "sleep", "1000");
      await using session = terminal("exec", "-it", "shell", "sh");
      await session.waitFor(/# /);
      session.type("tty; stty size\r");
      await session.waitFor(/\/dev\/pts\/\d+\r\n/);
      await session.waitFor(/30 100/);
      session.type("exit 6\r");
      expect(await session.exited).toBe(6);
      await out("rm", "-f", "shell");
    });
  });
});
