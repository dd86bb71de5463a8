import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lookupGroups, lookupUser, readFileInRoot } from "../../../images/index.ts";

let root: string;
let fd: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tare-user-"));
  mkdirSync(join(root, "etc"));
  fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  passwd(
    "root:x:0:0:root:/root:/bin/sh",
    "app:x:1000:1001:App:/home/app:/bin/sh",
    "1000:x:0:0:evil:/root:/bin/sh",
    "dup:x:1000:5::/dup:",
  );
  group("root:x:0:", "wheel:x:10:root,app", "app:x:1001:", "video:x:44:other,app", "appx:x:45:appx,xapp", "2000:x:0:");
});
afterEach(() => {
  closeSync(fd);
  rmSync(root, { recursive: true, force: true });
});
const passwd = (...lines: string[]) => writeFileSync(join(root, "etc/passwd"), `${lines.join("\n")}\n`);
const group = (...lines: string[]) => writeFileSync(join(root, "etc/group"), `${lines.join("\n")}\n`);
const find = (spec: string) => lookupUser({ fd }, spec);

describe("lookupUser", () => {
  it.each([
    ["", { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root", name: "root" }],
    ["root", { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root", name: "root" }],
    ["app", { uid: 1000, gid: 1001, additionalGids: [1001, 10, 44], home: "/home/app", name: "app" }],
    ["1000", { uid: 1000, gid: 1001, additionalGids: [1001, 10, 44], home: "/home/app", name: "app" }],
    ["4242", { uid: 4242, gid: 0, additionalGids: [0], home: "/" }],
    ["app:video", { uid: 1000, gid: 44, additionalGids: [44], home: "/home/app", name: "app" }],
    ["app:7", { uid: 1000, gid: 7, additionalGids: [7], home: "/home/app", name: "app" }],
    ["4242:10", { uid: 4242, gid: 10, additionalGids: [10], home: "/" }],
    [":10", { uid: 0, gid: 10, additionalGids: [10], home: "/root", name: "root" }],
    ["00", { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root", name: "root" }],
    ["app:2000", { uid: 1000, gid: 2000, additionalGids: [2000], home: "/home/app", name: "app" }],
    ["2147483647", { uid: 2147483647, gid: 0, additionalGids: [0], home: "/" }],
  ])("%j", (spec, user) => expect(find(spec)).toEqual(user));

  it.each([
    ["ghost", "unable to find user ghost: no matching entries in passwd file"],
    ["app:ghost", "unable to find group ghost: no matching entries in group file"],
    ["+0", "unable to find user +0: no matching entries in passwd file"],
    ["0x0", "unable to find user 0x0: no matching entries in passwd file"],
    ["1e3", "unable to find user 1e3: no matching entries in passwd file"],
    ["-1", "uids and gids must be in range 0-2147483647"],
    ["2147483648", "uids and gids must be in range 0-2147483647"],
    ["4294967296", "uids and gids must be in range 0-2147483647"],
    ["99999999999999999999999", "uids and gids must be in range 0-2147483647"],
    ["app:-1", "uids and gids must be in range 0-2147483647"],
    ["app:4294967296", "uids and gids must be in range 0-2147483647"],
  ])("refuses %j", (spec, message) =>
    expect(() => find(spec)).toThrow(
      expect.objectContaining({ kind: "invalid", message: expect.stringContaining(message) }),
    ),
  );

  it("never takes a numeric name for an id (CVE-2016-3697)", () => expect(find("1000").uid).toBe(1000));
  it("never lets an id in the file overflow to root (CVE-2024-40635)", () => {
    passwd("big:x:4294967296:0::/:", "text:x:zero:0::/:");
    for (const name of ["big", "text"]) expect(() => find(name)).toThrow("out of range");
  });
  it("works without passwd and group", () => {
    rmSync(join(root, "etc"), { recursive: true });
    expect(find("")).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: "/" });
    expect(find("5:6")).toEqual({ uid: 5, gid: 6, additionalGids: [6], home: "/" });
    expect(() => find("app")).toThrow("unable to find user app");
  });
  it("copes with a million members and refuses an endless file", () => {
    group(`wheel:x:10:${"someone,".repeat(1_000_000)}app`);
    expect(find("app").additionalGids).toEqual([1001, 10]);
    writeFileSync(join(root, "etc/group"), Buffer.alloc((16 << 20) + 1));
    expect(() => find("app")).toThrow("/etc/group in the image has 16777217 bytes (limit 16777216)");
  });
  it("resolves --group-add by name and by number", () => {
    expect(lookupGroups({ fd }, ["video", "7"])).toEqual([44, 7]);
    expect(() => lookupGroups({ fd }, ["ghost"])).toThrow("unable to find group ghost");
  });
});

describe("readFileInRoot", () => {
  it("follows links inside the root only", () => {
    writeFileSync(join(root, "etc/real"), "inside");
    symlinkSync("/etc/real", join(root, "absolute"));
    symlinkSync("../../../../../../etc/hostname", join(root, "etc/up"));
    symlinkSync("/proc/self/environ", join(root, "magic"));
    expect(readFileInRoot(fd, "/absolute", 100)?.toString()).toBe("inside");
    expect(readFileInRoot(fd, "/etc/up", 100)).toBeNull();
    expect(readFileInRoot(fd, "/magic", 100)).toBeNull();
    expect(readFileInRoot(fd, "../../../etc/real", 100)?.toString()).toBe("inside");
  });
  it("answers null for directories and what is missing", () => {
    expect(readFileInRoot(fd, "/etc", 100)).toBeNull();
    expect(readFileInRoot(fd, "/none/of/it", 100)).toBeNull();
  });
});
