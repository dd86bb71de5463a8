// What the tests use beyond the product's own needs. All of it is optional: a test whose tool is missing skips and names it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianPackages, isRoot, ROOT, say, STATE, which } from "./setup.mjs";

/** A docker command of Debian's package, unpacked without installing it (its daemon must not start on this machine). */
export const DOCKER = join(STATE, "docker-cli/usr/bin/docker");

function dockerCli() {
  if (which("docker") !== undefined || existsSync(DOCKER) || !isRoot || which("apt-get") === undefined) return;
  say("fetching Debian's docker.io package for its command-line client (unpacked into .tare-setup, not installed)");
  const scratch = mkdtempSync(join(tmpdir(), "tare-docker-"));
  mkdirSync(join(STATE, "docker-cli"), { recursive: true });
  const script = `apt-get download -qq docker.io || { apt-get update -qq && apt-get download -qq docker.io; }
    dpkg-deb -x docker.io_*.deb '${join(STATE, "docker-cli")}'`;
  const { status, stderr } = spawnSync("sh", ["-ec", script], { cwd: scratch, stdio: ["ignore", "ignore", "pipe"] });
  rmSync(scratch, { recursive: true });
  if (status !== 0) say(`no docker command, its tests will skip: ${String(stderr).trim().split("\n").at(-1)}`);
}

/** The guest with cgroup v2 lives outside the repository; without it those tests skip. */
const guest = join(ROOT, "../shared/tools/cgroupv2-vm/vm.sh");

function wanted() {
  const reasons = {};
  if (!existsSync("/usr/include/stdio.h")) reasons["libc6-dev"] = "sanitizer build of the shim";
  if (which("gcc") === undefined) reasons.gcc = "sanitizer build of the shim";
  if (which("musl-gcc") === undefined) reasons["musl-tools"] = "static build of the shim";
  if (!["/bin/busybox", "/usr/bin/busybox"].some(existsSync)) reasons["busybox-static"] = "program of the test images";
  if (which("python3") === undefined) reasons.python3 = "terminals for the tests of interactive commands";
  const tools = { mmdebstrap: "mmdebstrap", mke2fs: "e2fsprogs", modinfo: "kmod", zstd: "zstd", xz: "xz-utils" };
  if (!existsSync(guest)) return reasons;
  if (which("qemu-system-x86_64") === undefined) reasons["qemu-system-x86"] = "guest with cgroup v2";
  for (const [tool, name] of Object.entries(tools)) {
    if (which(tool) === undefined && !existsSync(`/usr/sbin/${tool}`)) reasons[name] = "guest with cgroup v2";
  }
  return reasons;
}

export function testTools() {
  const note = debianPackages(wanted(), { optional: true });
  dockerCli();
  return note;
}
