/**
 * Attacks on container runtimes (reference/security.md §2.1) against whole containers as the engine makes them: Docker's
 * defaults, an overlay root that the attacker filled, the daemon's own plan. The shim's part alone is test/integration/native.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Exit } from "../../engine/isolation/backend.ts";
import { sys } from "../../native/binding/index.ts";
import { isRoot } from "../support/machine.ts";
import { run as runCommand } from "../support/process.ts";
import { SandboxBed, SHIM, type SpecOptions } from "../support/sandbox.ts";

const probeSource = join(import.meta.dirname, "../support/attack-probe.c");
const hasCompiler = isRoot && existsSync("/usr/bin/gcc");
if (isRoot && !hasCompiler) process.stderr.write("skipped: attacks that need the probe, gcc is not installed\n");

describe.skipIf(!isRoot)("attacks", () => {
  let bed: SandboxBed;
  let outside: string;
  let probe: string;
  beforeAll(async () => {
    bed = new SandboxBed();
    outside = mkdtempSync(join(tmpdir(), "tare-outside-"));
    probe = join(bed.root, "attack-probe");
    if (hasCompiler) {
      const { status, stderr } = await runCommand("gcc", ["-static", "-O1", "-o", probe, probeSource], {
        timeoutMs: 60_000,
      });
      expect(status, stderr).toBe(0);
    }
  }, 90_000);
  afterAll(async () => {
    expect(readdirSync(outside)).toEqual([]);
    rmSync(outside, { recursive: true });
    await bed[Symbol.asyncDispose]();
  });

  const withProbe = (root: string): void => copyFileSync(probe, join(root, "bin/probe"));
  async function run(args: readonly string[], options: SpecOptions = {}): Promise<{ exit: Exit; text: string }> {
    const spec = bed.spec(args, options);
    const sandbox = bed.track(await bed.backend.create(bed.request(spec)));
    const exit = await sandbox.exited;
    await sandbox.destroy();
    const lines = readFileSync(bed.logPath(spec), "utf8")
      .split("\n")
      .filter((line) => line !== "");
    return { exit, text: lines.map((line) => (JSON.parse(line) as { log: string }).log).join("") };
  }
  const refused = async (args: readonly string[], options: SpecOptions = {}): Promise<Error> => {
    const outcome = await bed.backend.create(bed.request(bed.spec(args, options))).then(
      (sandbox) => bed.track(sandbox),
      (error: unknown) => error,
    );
    expect(outcome).toBeInstanceOf(Error);
    return outcome as Error;
  };
  /** Replaces a path of the image by a link. */
  const linked =
    (path: string, target: string) =>
    (root: string): void => {
      rmSync(join(root, path), { recursive: true, force: true });
      symlinkSync(target, join(root, path));
    };
  const bind = (source: string, destination: string) => ({
    type: "bind",
    source,
    destination,
    options: ["rbind", "rprivate"],
  });

  describe("links in the image (CVE-2019-18837, CVE-2023-27561, CVE-2026-41579)", () => {
    it.each(["proc", "dev", "sys"])("/%s as a link to the host: start fails closed", async (path) => {
      expect((await refused(["/bin/hello"], { prepareRoot: linked(path, outside) })).message).toContain(`/${path}`);
    });
    it("/etc as a link: the engine's files land inside the root", async () => {
      const file = join(bed.root, "hosts");
      writeFileSync(file, "engine's");
      const { exit, text } = await run(["/bin/hello", "read", `${outside}/hosts`], {
        prepareRoot: (root) => {
          linked("etc", outside)(root);
          mkdirSync(join(root, outside), { recursive: true });
        },
        paths: { hosts: file },
      });
      expect([exit.code, text]).toEqual([0, "engine's"]);
    });
    it("a volume's target through a chain of links that climbs", async () => {
      const source = join(bed.root, "volume");
      mkdirSync(source, { recursive: true });
      writeFileSync(join(source, "mine"), "yes");
      const prepareRoot = (root: string): void => {
        symlinkSync("b", join(root, "a"));
        symlinkSync(`../../../../../..${outside}`, join(root, "b"));
        mkdirSync(join(root, outside), { recursive: true });
      };
      const { text } = await run(["/bin/hello", "read", "/a/deep/mine"], {
        prepareRoot,
        mounts: [bind(source, "/a/deep")],
      });
      expect(text).toBe("yes");
    });
    it("a working directory through a link (CVE-2026-55686)", async () => {
      const { text } = await run(["/bin/hello", "pwd"], {
        prepareRoot: linked("work", "/elsewhere/../bin"),
        config: { workingDir: "/work/made" },
      }).catch(() => ({ text: "refused" }));
      expect(["refused", "/bin/made\n"]).toContain(text);
      const dangling = await refused(["/bin/hello", "pwd"], {
        prepareRoot: linked("work", outside),
        config: { workingDir: "/work/made" },
      });
      expect(dangling.message).toContain("/work/made");
    });
  });

  it("a volume on /proc does not take the label, the sysctls or the score (CVE-2019-16884, CVE-2025-52881)", async () => {
    const fake = join(bed.root, "fakeproc");
    mkdirSync(join(fake, "sys/net/ipv4"), { recursive: true });
    writeFileSync(join(fake, "sys/net/ipv4/ip_forward"), "untouched");
    const { text } = await run(["/bin/hello", "read", "/proc/sys/net/ipv4/ip_forward"], {
      mounts: [bind(fake, "/proc")],
      host: { sysctls: { "net.ipv4.ip_forward": "1" }, maskedPaths: [], readonlyPaths: [] },
    });
    expect(text).toBe("untouched");
  });

  it("a mount target that is exchanged for a link while containers start (CVE-2021-30465, CVE-2024-45310)", async () => {
    const shared = join(bed.root, "shared");
    mkdirSync(join(shared, "real"), { recursive: true });
    symlinkSync(outside, join(shared, "fake"));
    const source = join(bed.root, "raced");
    mkdirSync(source, { recursive: true });
    let racing = true;
    let exchanges = 0;
    const race = (async () => {
      const exchange = (): void =>
        sys.renameat2(-100, join(shared, "real"), -100, join(shared, "fake"), sys.RENAME.exchange);
      while (racing) {
        for (let i = 0; i < 200; i++) exchange();
        exchanges += 200;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let round = 0; round < 12; round++) {
      const spec = bed.spec(["/bin/hello", "write", "/shared/real/inner/proof", "x"], {
        mounts: [bind(shared, "/shared"), bind(source, "/shared/real/inner")],
      });
      const sandbox = await bed.backend.create(bed.request(spec)).catch(() => null);
      if (sandbox === null) continue;
      await sandbox.exited;
      await sandbox.destroy();
    }
    racing = false;
    await race;
    expect(exchanges).toBeGreaterThan(1000);
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(bed.root);
  });

  it("no descriptor of the host is there to be a working directory (CVE-2024-21626)", async () => {
    expect((await run(["/bin/hello", "fds"])).text).toBe("0\n1\n2\n");
    for (const fd of [3, 4, 5, 6, 7, 8, 9, 10, 20, 64]) {
      const error = await refused(["/bin/hello", "pwd"], { config: { workingDir: `/proc/self/fd/${fd}` } });
      expect(error.message).toMatch(/chdir|cwd/);
    }
  });

  it("an entry point /proc/self/exe runs a sealed copy at most; the shim on the host stays as it is (CVE-2019-5736)", async () => {
    const before = createHash("sha256").update(readFileSync(SHIM)).digest("hex");
    const spec = bed.spec(["/proc/self/exe", "version"]);
    await bed.backend.create(bed.request(spec)).then(
      async (sandbox) => void (await bed.track(sandbox).exited),
      (error: unknown) => expect(error).toBeInstanceOf(Error),
    );
    const running = bed.track(await bed.backend.create(bed.request(bed.spec(["/bin/hello", "sleep", "600"]))));
    expect(readlinkSync(`/proc/${running.record.monitorPid}/exe`)).toContain("memfd:");
    expect(() => writeFileSync(`/proc/${running.record.monitorPid}/exe`, "x", { flag: "r+" })).toThrow(/ETXTBSY|EPERM/);
    await running.destroy();
    expect(createHash("sha256").update(readFileSync(SHIM)).digest("hex")).toBe(before);
  });

  it("sysctls are allow-listed by namespace and cannot carry a second key (CVE-2022-0811, GO-2022-0363)", () => {
    const create = (host: SpecOptions["host"]) => () => bed.spec(["/bin/hello"], host === undefined ? {} : { host });
    expect(create({ sysctls: { "kernel.shm_rmid_forced": "1+kernel.core_pattern=|x" } })).not.toThrow(
      "core_pattern is set",
    );
    expect(create({ sysctls: { "net.ipv4.ip_forward": "1\nkernel.core_pattern=|x" } })).toThrow("line break");
    expect(create({ sysctls: { "kernel.core_pattern": "|x" } })).toThrow("not in a separate kernel namespace");
    expect(create({ sysctls: { "net.x": "1" }, networkMode: "host" })).toThrow("host network namespace");
    expect(create({ sysctls: { "net/../kernel/core_pattern": "x" } })).toThrow("not a valid key");
  });
  it("a value with a plus sign is one value for the kernel", async () => {
    expect(
      (await refused(["/bin/hello"], { host: { sysctls: { "kernel.shm_rmid_forced": "1+kernel.core_pattern=|x" } } }))
        .message,
    ).toContain("kernel.shm_rmid_forced");
    expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).not.toContain("|x");
  });

  it("inheritable capabilities are empty, also for an exec with more power (CVE-2022-24769, -29162, CVE-2025-27612)", async () => {
    const spec = bed.spec(["/bin/hello", "sleep", "600"], { host: { capAdd: ["NET_ADMIN"] } });
    const sandbox = bed.track(await bed.backend.create(bed.request(spec)));
    const all = {
      ...spec.process.capabilities,
      bounding: bed.view.capabilities,
      permitted: bed.view.capabilities,
      effective: bed.view.capabilities,
    };
    const handle = await sandbox.exec(
      "00ffee",
      { ...spec.process, args: ["/bin/hello", "caps"], capabilities: all },
      { stdin: false, stdout: true, stderr: true },
    );
    const text = (await collect(handle.session.output)).toString();
    expect(text).toContain("CapInh:\t0000000000000000");
    expect(text).toContain("CapAmb:\t0000000000000000");
    await sandbox.destroy();
  });

  it("no abstract socket of ours is visible to a container in the host's network (CVE-2020-15257)", async () => {
    const { text } = await run(["/bin/hello", "read", "/proc/net/unix"], { host: { networkMode: "host" } });
    expect(text.split("\n").filter((line) => /\s@.*(tare|ctr|shim)/.test(line))).toEqual([]);
  });

  it("the runtime directory, the exit file and the log are root's alone", async () => {
    const spec = bed.spec(["/bin/hello", "sleep", "600"]);
    const sandbox = bed.track(await bed.backend.create(bed.request(spec)));
    const { statSync } = await import("node:fs");
    for (const path of [
      sandbox.record.runtimeDir,
      join(sandbox.record.runtimeDir, "ctl"),
      join(sandbox.record.runtimeDir, "sandbox.json"),
    ]) {
      expect(statSync(path).mode & 0o077, path).toBe(0);
    }
    expect(statSync(bed.logPath(spec)).mode & 0o007).toBe(0);
    await sandbox.destroy();
  });

  describe.skipIf(!hasCompiler)("by a program inside", () => {
    it("sees nothing of an exec that enters (CVE-2016-9962)", async () => {
      const spec = bed.spec(["/bin/probe", "exec-thief", "/tmp/stop"], { prepareRoot: withProbe });
      const request = bed.request(spec, { startAtOnce: false });
      const sandbox = bed.track(await bed.backend.create(request));
      const session = await sandbox.attach({ stdin: false, stdout: true, stderr: true });
      await sandbox.start();
      await once(session.output, "readable");
      for (let i = 0; i < 12; i++) {
        const handle = await sandbox.exec(
          `00${i}`,
          { ...spec.process, args: ["/bin/hello", "true"] },
          { stdin: false, stdout: true, stderr: true },
        );
        await handle.exited;
        handle.session.close();
      }
      const stop = await sandbox.exec(
        "00stop",
        { ...spec.process, args: ["/bin/hello", "write", "/tmp/stop", "x"] },
        { stdin: false, stdout: true, stderr: true },
      );
      await stop.exited;
      const seen = demultiplex(await collect(session.output));
      await sandbox.exited;
      expect(seen.trim()).toBe("ready");
    });

    it("gets only the socket families it needs (CVE-2026-31431)", async () => {
      const { text } = await run(["/bin/probe", "sockets"], { prepareRoot: withProbe });
      expect(text.trim().split("\n")).toEqual([
        "AF_INET allowed",
        "AF_UNIX allowed",
        "AF_NETLINK allowed",
        "AF_ALG EPERM",
        "AF_VSOCK EPERM",
      ]);
    });

    it("may do none of what an ordinary container may not", async () => {
      const { text } = await run(["/bin/probe", "posture"], { prepareRoot: withProbe });
      const allowed = text.split("\n").filter((line) => line.endsWith(" allowed"));
      expect(allowed).toEqual([]);
      await expect(text).toMatchFileSnapshot("posture-default.txt");
    });
  });
});

async function collect(output: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of output) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
function demultiplex(bytes: Buffer): string {
  let text = "";
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    text += bytes.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
