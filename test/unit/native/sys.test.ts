import {
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sys } from "../../../native/binding/index.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_WRONLY } = constants;
let root: string;
let fds: number[];
const keep = (fd: number): number => {
  fds.push(fd);
  return fd;
};
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tare-sys-"));
  fds = [];
});
afterEach(() => {
  for (const fd of fds) sys.close(fd);
  rmSync(root, { recursive: true, force: true });
});
const openRoot = (): number => keep(sys.openat2(sys.AT.fdcwd, root, { flags: O_RDONLY | O_DIRECTORY }));
const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as sys.SystemCallError).code;
  }
};

describe("openat2", () => {
  test("resolves an absolute link inside the root, never outside", () => {
    mkdirSync(join(root, "etc"));
    writeFileSync(join(root, "etc/secret"), "inside");
    symlinkSync("/etc/secret", join(root, "link"));
    symlinkSync("../../../../../../etc/passwd", join(root, "up"));
    const dir = openRoot();
    const resolve = sys.RESOLVE.inRoot | sys.RESOLVE.noMagiclinks;
    expect(readFileSync(keep(sys.openat2(dir, "link", { flags: O_RDONLY, resolve })), "utf8")).toBe("inside");
    expect(codeOf(() => sys.openat2(dir, "up", { flags: O_RDONLY, resolve }))).toBe("ENOENT");
  });

  test("errors look like Node's and name the path", () => {
    try {
      sys.openat2(openRoot(), "absent", { flags: O_RDONLY });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOENT", errno: -2, syscall: "openat2", path: "absent" });
    }
  });

  test("a NUL in a name is refused, not cut off", () => {
    const dir = openRoot();
    expect(codeOf(() => sys.openat2(dir, "a\0b", { flags: O_RDONLY }))).toBe("EINVAL");
    expect(codeOf(() => sys.mkdirat(dir, Buffer.from([97, 0, 98]), 0o755))).toBe("EINVAL");
  });

  test("names are bytes", () => {
    const dir = openRoot();
    const name = Buffer.from([0xff, 0xfe, 0x61]);
    keep(sys.openat2(dir, name, { flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600 }));
    expect(codeOf(() => sys.openat2(dir, name, { flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600 }))).toBe("EEXIST");
  });
});

test("entries are made, renamed, linked and removed under a handle", () => {
  const dir = openRoot();
  sys.mkdirat(dir, "d", 0o750);
  sys.symlinkat("target", dir, "s");
  sys.mknodat(dir, "fifo", constants.S_IFIFO | 0o600);
  sys.linkat(dir, "fifo", dir, "hard");
  sys.renameat2(dir, "hard", dir, "moved", sys.RENAME.noreplace);
  expect(codeOf(() => sys.renameat2(dir, "fifo", dir, "moved", sys.RENAME.noreplace))).toBe("EEXIST");
  expect(sys.readlinkat(dir, "s").toString()).toBe("target");
  expect(statSync(join(root, "moved")).nlink).toBe(2);
  sys.unlinkat(dir, "d", sys.AT.removedir);
  expect(codeOf(() => sys.unlinkat(dir, "d"))).toBe("ENOENT");
});

test("times keep nanoseconds, also before 1970", () => {
  const dir = openRoot();
  writeFileSync(join(root, "f"), "");
  sys.utimensat(dir, "f", { modified: -1_500_000_001n });
  expect(statSync(join(root, "f"), { bigint: true }).mtimeNs).toBe(-1_500_000_001n);
  const accessed = statSync(join(root, "f"), { bigint: true }).atimeNs;
  sys.utimensat(dir, "f", { modified: 1_700_000_000_123_456_789n });
  expect(statSync(join(root, "f"), { bigint: true })).toMatchObject({
    mtimeNs: 1_700_000_000_123_456_789n,
    atimeNs: accessed,
  });
});

test("extended attributes round-trip binary values", () => {
  const path = join(root, "f");
  writeFileSync(path, "");
  const value = Buffer.from([0, 1, 2, 255, 10]);
  sys.lsetxattr(path, "user.tare", value);
  expect(sys.lgetxattr(path, "user.tare")).toEqual(value);
  expect(sys.llistxattr(path)).toContain("user.tare");
  sys.lremovexattr(path, "user.tare");
  expect(codeOf(() => sys.lgetxattr(path, "user.tare"))).toBe("ENODATA");
});

test("flock never waits", () => {
  writeFileSync(join(root, "lock"), "");
  const [a, b] = [0, 1].map(() => keep(sys.openat2(sys.AT.fdcwd, join(root, "lock"), { flags: O_RDONLY })));
  sys.flock(a as number, sys.LOCK.exclusive);
  expect(codeOf(() => sys.flock(b as number, sys.LOCK.exclusive))).toBe("EAGAIN");
  sys.flock(a as number, sys.LOCK.unlock);
  sys.flock(b as number, sys.LOCK.exclusive);
});

test("a pidfd names this process; a sealed memory file cannot be written", () => {
  const pidfd = keep(sys.pidfdOpen(process.pid));
  sys.pidfdSendSignal(pidfd, 0);
  expect(readlinkSync(`/proc/self/fd/${pidfd}`)).toMatch(/pidfd/);
  const memory = keep(sys.memfdCreate("tare-test"));
  writeFileSync(`/proc/self/fd/${memory}`, "text");
  sys.addSeals(memory, sys.SEAL.write | sys.SEAL.grow | sys.SEAL.shrink | sys.SEAL.seal);
  expect(codeOf(() => writeFileSync(`/proc/self/fd/${memory}`, "other"))).toBe("EPERM");
  expect(readFileSync(`/proc/self/fd/${memory}`, "utf8")).toBe("text");
});

test("makedev is the kernel's encoding", () => {
  expect(sys.makedev(1, 3)).toBe(0x103n);
  expect(sys.makedev(259, 0x12345)).toBe(0x45n | (259n << 8n) | (0x123n << 20n));
});

test("statfs knows procfs", () => {
  expect(sys.statfs("/proc").type).toBe(sys.FS_MAGIC.proc);
});

test("kill refuses groups", () => {
  expect(codeOf(() => sys.kill(0, 0))).toBe("ESRCH");
  expect(codeOf(() => sys.kill(-1, 0))).toBe("ESRCH");
});

test.runIf(process.getuid?.() === 0)(
  "a detached tmpfs can be written through its descriptor and leaves nothing",
  () => {
    const before = readFileSync("/proc/self/mountinfo", "utf8").split("\n").length;
    const fs = keep(sys.fsopen("tmpfs"));
    sys.fsconfigString(fs, "size", "64k");
    sys.fsconfigCreate(fs);
    const mount = keep(sys.fsmount(fs, sys.MOUNT_ATTR.nosuid));
    sys.mkdirat(mount, "x", 0o700);
    sys.mountSetattr(mount, "", sys.AT.emptyPath, { set: sys.MOUNT_ATTR.rdonly });
    expect(codeOf(() => sys.mkdirat(mount, "y", 0o700))).toBe("EROFS");
    expect(readFileSync("/proc/self/mountinfo", "utf8").split("\n").length).toBe(before);
  },
);
