import { describe, expect, it } from "vitest";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ID, startFakeDaemon } from "./fake-daemon.ts";
import { ctr, temporaryFolder } from "./in-process.ts";

interface Body {
  readonly [key: string]: unknown;
  readonly HostConfig: Readonly<Record<string, unknown>>;
}

/** What `ctr create ARGS` sends. */
async function sent(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Body> {
  await using daemon = await startFakeDaemon();
  const outcome = await ctr(daemon.host, ["create", ...args], options);
  expect(outcome).toEqual({ status: 0, stdout: `${ID}\n`, stderr: "" });
  return daemon.requests.find(({ path }) => path === "/containers/create")?.body as Body;
}

async function refusal(args: readonly string[]): Promise<string> {
  await using daemon = await startFakeDaemon();
  const { status, stderr } = await ctr(daemon.host, ["create", ...args]);
  expect(status).toBe(125);
  expect(daemon.requests).toEqual([]);
  return stderr.split("\n")[0] ?? "";
}

describe("the body of create", () => {
  it.each<[string, string[], object]>([
    [
      "image and command",
      ["busybox", "sh", "-c", "x"],
      { Image: "busybox", Cmd: ["sh", "-c", "x"], Entrypoint: null, Env: null },
    ],
    [
      "terminal",
      ["-it", "busybox"],
      { Tty: true, OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true },
    ],
    ["one stream", ["-a", "STDERR", "busybox"], { AttachStdin: false, AttachStdout: false, AttachStderr: true }],
    ["empty entrypoint", ["--entrypoint", "", "busybox"], { Entrypoint: [""] }],
    ["stop", ["--stop-signal", "INT", "--stop-timeout", "0", "busybox"], { StopSignal: "INT", StopTimeout: 0 }],
    ["labels", ["-l", "a=b=c", "-l", "d", "busybox"], { Labels: { a: "b=c", d: "" } }],
    ["no health check", ["--no-healthcheck", "busybox"], { Healthcheck: { Test: ["NONE"] } }],
    ["health retries alone", ["--health-retries", "2", "busybox"], { Healthcheck: { Retries: 2 } }],
    ["anonymous volume", ["-v", "/data", "busybox"], { Volumes: { "/data": {} } }],
  ])("%s", async (_name, args, expected) => {
    expect(await sent(args)).toMatchObject(expected);
  });

  it.each<[string, string[], object]>([
    [
      "limits",
      ["-m", "64m", "--memory-swap", "-1", "--cpus", "1.5", "--pids-limit", "9", "busybox"],
      { Memory: 67108864, MemorySwap: -1, NanoCpus: 1500000000, PidsLimit: 9 },
    ],
    [
      "restart",
      ["--restart", "on-failure:3", "busybox"],
      { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } },
    ],
    ["init only when given", ["--init=false", "busybox"], { Init: false }],
    ["user namespace of its own", ["--userns", "auto", "busybox"], { UsernsMode: "auto" }],
    [
      "ulimits by name",
      ["--ulimit", "nofile=1:2", "--ulimit", "core=0", "--ulimit", "nofile=3", "busybox"],
      {
        Ulimits: [
          { Name: "core", Hard: 0, Soft: 0 },
          { Name: "nofile", Hard: 3, Soft: 3 },
        ],
      },
    ],
    [
      "tmpfs",
      ["--tmpfs", "/run:size=1m,mode=700", "--tmpfs", "/tmp", "busybox"],
      { Tmpfs: { "/run": "size=1m,mode=700", "/tmp": "" } },
    ],
    [
      "hosts",
      ["--add-host", "a:1.2.3.4", "--add-host", "b=::1", "--add-host", "c:host-gateway", "busybox"],
      { ExtraHosts: ["a:1.2.3.4", "b:::1", "c:host-gateway"] },
    ],
    [
      "log options",
      ["--log-driver", "json-file", "--log-opt", "max-size=1m", "busybox"],
      { LogConfig: { Type: "json-file", Config: { "max-size": "1m" } } },
    ],
    [
      "system paths",
      ["--security-opt", "systempaths=unconfined", "busybox"],
      { MaskedPaths: [], ReadonlyPaths: [], SecurityOpt: null },
    ],
    [
      "published ports",
      ["-p", "127.0.0.1:8080:80", "-p", "53:53/UDP", "-p", "target=81,published=82", "busybox"],
      {
        PortBindings: {
          "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }],
          "53/udp": [{ HostIp: "", HostPort: "53" }],
          "81/tcp": [{ HostIp: "", HostPort: "82" }],
        },
      },
    ],
    [
      "a volume mount with a driver",
      ["--mount", "source=v,target=/v,volume-driver=local,volume-opt=type=tmpfs,volume-nocopy", "busybox"],
      {
        Mounts: [
          {
            Type: "volume",
            Source: "v",
            Target: "/v",
            VolumeOptions: { NoCopy: true, DriverConfig: { Name: "local", Options: { type: "tmpfs" } } },
          },
        ],
      },
    ],
  ])("host: %s", async (_name, args, expected) => {
    expect((await sent(args)).HostConfig).toMatchObject(expected);
  });

  it("takes the environment from files, from the caller and from the line, in that order", async () => {
    using folder = temporaryFolder();
    writeFileSync(
      join(folder.path, "env"),
      "\uFEFF# comment\n\nA=from file\n  B = spaced\nC\nNOT_SET\n".replace("B = spaced", "B=spaced "),
    );
    const options = { cwd: folder.path, env: { C: "caller's", HOME: "/root" } };
    const { Env } = await sent(
      ["--env-file", "env", "-e", "A=line", "-e", "HOME", "-e", "UNSET_HERE", "busybox"],
      options,
    );
    expect(Env).toEqual(["A=line", "B=spaced ", "C=caller's", "HOME=/root", "UNSET_HERE"]);
  });

  it("makes relative paths of the caller absolute, here and not in the daemon", async () => {
    using folder = temporaryFolder();
    const args = ["-v", "./x:/x:ro", "-v", "named:/n", "--mount", "type=bind,src=.,dst=/m", "busybox"];
    const { HostConfig } = await sent(args, { cwd: folder.path });
    expect(HostConfig["Binds"]).toEqual([`${folder.path}/x:/x:ro`, "named:/n"]);
    expect(HostConfig["Mounts"]).toEqual([{ Type: "bind", Source: folder.path, Target: "/m" }]);
  });

  it("sends the text of a seccomp profile", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "p.json"), '{\n "defaultAction": "SCMP_ACT_ALLOW" }\n');
    const { HostConfig } = await sent(["--security-opt", "seccomp=p.json", "busybox"], { cwd: folder.path });
    expect(HostConfig["SecurityOpt"]).toEqual(['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']);
  });
});

describe("create refuses, naming the argument", () => {
  it.each<[string[], string]>([
    [["-p", "abc", "x"], "ctr: invalid containerPort: abc"],
    [["-p", "99999:80", "x"], "ctr: invalid hostPort: 99999"],
    [["-p", "80:90-91", "x"], "ctr: invalid ranges specified for container and host Ports: 90-91 and 80"],
    [["-p", "1.2.3:80:80", "x"], "ctr: invalid IP address: 1.2.3"],
    [["-p", "80/x", "x"], "ctr: invalid proto: x"],
    [["-v", "a::/b", "x"], "ctr: invalid spec: a::/b: empty section between colons"],
    [["-v", "/a:/b:ro:x", "x"], "ctr: invalid spec: /a:/b:ro:x: too many colons"],
    [
      ["--mount", "type=bind,src=/a", "x"],
      'invalid argument "type=bind,src=/a" for "--mount" flag: target is required',
    ],
    [
      ["--mount", "type=tmpfs,dst=/a,volume-nocopy", "x"],
      `invalid argument "type=tmpfs,dst=/a,volume-nocopy" for "--mount" flag: cannot mix 'volume-*' options with mount type 'tmpfs'`,
    ],
    [
      ["--mount", "dst=/a,tmpfs-mode=9", "x"],
      'invalid argument "dst=/a,tmpfs-mode=9" for "--mount" flag: invalid value for tmpfs-mode: 9',
    ],
    [
      ["--gpus", "count=x", "x"],
      'invalid argument "count=x" for "--gpus" flag: invalid count (x): value must be either "all" or an integer: invalid syntax',
    ],
    [["--device", "/dev/a:/dev/b:rr", "x"], "ctr: bad mode specified: rr"],
    [["--device", "/dev/a:b", "x"], "ctr: b is not an absolute path"],
    [
      ["--network", "host", "--network", "y", "x"],
      "ctr: conflicting options: cannot attach both user-defined and non-user-defined network-modes",
    ],
    [["--network", "y", "--network", "y", "x"], 'ctr: network "y" is specified multiple times'],
    [
      ["--network", "name=y,ip=1.2.3.4", "--ip", "1.2.3.5", "x"],
      "ctr: conflicting options: cannot specify both --ip and per-network IPv4 address",
    ],
    [["--network", "name=y,foo=1", "x"], 'invalid argument "name=y,foo=1" for "--network" flag: invalid field key foo'],
    [["--env-file", "/nonexistent", "x"], "ctr: open /nonexistent: no such file or directory"],
    [
      ["--cidfile", "/etc/passwd", "x"],
      "ctr: container ID file found, make sure the other container isn't running or delete /etc/passwd",
    ],
    [["--pull", "foo", "x"], `ctr: invalid pull option: 'foo': must be one of "always", "missing" or "never"`],
    [["--rm", "--restart", "always", "x"], "ctr: conflicting options: cannot specify both --restart and --rm"],
    [["--pid", "foo", "x"], "ctr: --pid: invalid PID mode"],
    [["--storage-opt", "size", "x"], "ctr: invalid storage option"],
    [
      ["--ulimit", "nofile=-1:5", "x"],
      'invalid argument "nofile=-1:5" for "--ulimit" flag: ulimit soft limit must be less than or equal to hard limit: -1 > 5',
    ],
  ])("%j", async (args, line) => {
    expect(await refusal(args)).toBe(line);
  });

  it("leaves no id file behind when create fails", async () => {
    using folder = temporaryFolder();
    await using daemon = await startFakeDaemon();
    daemon.canned = { "POST /containers/create": () => ({ status: 409, body: { message: "Conflict." } }) };
    const { status, stderr } = await ctr(daemon.host, ["create", "--cidfile", "id", "busybox"], { cwd: folder.path });
    expect(status).toBe(125);
    expect(stderr).toBe("ctr: Error response from daemon: Conflict.\n\nRun 'ctr create --help' for more information\n");
    const again = await ctr(daemon.host, ["create", "--cidfile", "id", "busybox"], { cwd: folder.path });
    expect(again.stderr).toContain("Conflict.");
  });
});
