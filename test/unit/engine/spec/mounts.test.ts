import { describe, expect, it } from "vitest";
import type { MountRequest } from "../../../../engine/spec/config.ts";
import { toMount } from "../../../../engine/spec/mount-plan.ts";
import { type MountRequests, planMounts } from "../../../../engine/spec/mounts.ts";

const plan = (
  host: Partial<MountRequests["host"]>,
  volumes: readonly string[] = [],
  inherited: MountRequests["inherited"] = [],
) => planMounts({ host: { binds: null, mounts: [], tmpfs: {}, volumeDriver: "", ...host }, volumes, inherited });
const request = (fields: Partial<MountRequest>): MountRequest => ({
  type: "bind",
  source: "",
  target: "/t",
  readOnly: false,
  consistency: "",
  bind: null,
  volume: null,
  tmpfs: null,
  image: null,
  ...fields,
});
const bindOptions = {
  propagation: "",
  nonRecursive: false,
  createMountpoint: false,
  readOnlyNonRecursive: false,
  readOnlyForceRecursive: false,
};

describe("Binds", () => {
  it.each([
    [
      "/src:/dst",
      {
        type: "bind",
        source: "/src",
        destination: "/dst",
        readWrite: true,
        createSource: true,
        options: ["rbind", "rprivate"],
      },
    ],
    ["/src/../a/:/dst/", { source: "/a", destination: "/dst" }],
    ["/src:/dst:ro", { readWrite: false, mode: "ro", options: ["rbind", "rprivate", "rro"] }],
    ["/src:/dst:ro,rslave,z", { propagation: "rslave", options: ["rbind", "rslave", "rro"] }],
    ["data:/dst:nocopy", { type: "volume", name: "data", noCopy: true, driver: "local" }],
    ["data:/dst:ro", { type: "volume", readWrite: false }],
    ["/only", { type: "volume", name: "", destination: "/only" }],
    ["/src:/a/../../etc", { destination: "/etc" }],
  ])("%s", (bind, expected) => {
    expect(plan({ binds: [bind] })[0]).toMatchObject(expected);
  });

  it.each([
    ["", "invalid volume specification"],
    [":/dst", "invalid volume specification: ':/dst'"],
    ["/src:", "invalid volume specification"],
    ["/dst:ro", "invalid volume specification: '/dst:ro'"],
    ["/a:/b:c:d", "invalid volume specification"],
    ["/a:/b:rx", "invalid mode: rx"],
    ["/a:/b:ro,rw", "invalid mode: ro,rw"],
    ["/a:b", "invalid mount path: 'b' mount path must be absolute"],
    ["/a:/", "destination can't be '/'"],
    ["a/b:/c", "includes invalid characters for a local volume name"],
    ["x:/c", "includes invalid characters"],
    ["data:/c:shared", "invalid mode: shared"],
    ["/a:/b:rshared", "mount propagation rshared at /b is not supported"],
  ])("refuses %j", (bind, message) => {
    expect(() => plan({ binds: [bind] })).toThrow(message);
  });
});

describe("Mounts", () => {
  it("plans each type", () => {
    expect(plan({ mounts: [request({ source: "/s" })] })[0]).toMatchObject({
      type: "bind",
      createSource: false,
      options: ["rbind", "rprivate"],
    });
    expect(
      plan({
        mounts: [
          request({
            source: "/s",
            readOnly: true,
            bind: { ...bindOptions, nonRecursive: true, createMountpoint: true },
          }),
        ],
      })[0],
    ).toMatchObject({
      createSource: true,
      options: ["bind", "rprivate", "ro"],
    });
    expect(
      plan({
        mounts: [request({ source: "/s", readOnly: true, bind: { ...bindOptions, readOnlyNonRecursive: true } })],
      })[0],
    ).toMatchObject({ options: ["rbind", "rprivate", "ro"] });
    expect(plan({ mounts: [request({ type: "volume", source: "vol" })] })[0]).toMatchObject({
      type: "volume",
      name: "vol",
    });
    const tmpfs = request({ type: "tmpfs", tmpfs: { sizeBytes: 1024, mode: 0o1777, options: [["exec"]] } });
    expect(plan({ mounts: [tmpfs] })[0]).toMatchObject({
      type: "tmpfs",
      options: ["exec", "nosuid", "nodev", "rprivate", "size=1024", "mode=1777"],
    });
  });

  it.each([
    [{ type: "bind" as const }, "field Source must not be empty"],
    [{ source: "/s", target: "" }, "field Target must not be empty"],
    [{ source: "rel" }, "mount path must be absolute"],
    [{ source: "/s", tmpfs: { sizeBytes: 0, mode: 0, options: [] } }, "field TmpfsOptions must not be specified"],
    [{ source: "/s", bind: { ...bindOptions, propagation: "odd" } }, "invalid propagation mode: odd"],
    [{ type: "tmpfs" as const, source: "x" }, "field Source must not be specified"],
    [{ type: "tmpfs" as const, tmpfs: { sizeBytes: 0, mode: 0, options: [["suid"]] } }, 'invalid option: "suid"'],
    [
      { type: "volume" as const, source: "vol", volume: { noCopy: false, subpath: "../x", labels: {}, driver: null } },
      "subpath",
    ],
    [{ type: "odd" as "bind" }, "mount type unknown"],
    [{ type: "image" as const, source: "busybox" }, 'mount of type "image" at /t is not supported yet'],
  ])("refuses %j", (fields, message) => {
    expect(() => plan({ mounts: [request(fields)] })).toThrow(message);
  });
});

describe("Tmpfs and Volumes", () => {
  it("merges tmpfs options, the later word wins", () => {
    expect(plan({ tmpfs: { "/t": "exec,size=64m,ro,rw" } })[0]?.options).toEqual([
      "exec",
      "nosuid",
      "nodev",
      "rprivate",
      "size=64m",
      "rw",
    ]);
    expect(() => plan({ tmpfs: { "/t": "size=lots" } })).toThrow('invalid tmpfs option "size=lots"');
    expect(() => plan({ tmpfs: { "/t": "lowerdir=/" } })).toThrow("invalid tmpfs option");
  });

  it("gives way with a declared volume to anything else there, and refuses two of the user's", () => {
    expect(
      plan({ binds: ["/s:/data"] }, ["/data", "/cache"]).map(({ type, destination }) => [type, destination]),
    ).toEqual([
      ["bind", "/data"],
      ["volume", "/cache"],
    ]);
    expect(() => plan({ binds: ["/s:/data"], tmpfs: { "/data/": "" } })).toThrow("Duplicate mount point: /data");
  });

  it("lets own mounts override inherited ones, and puts parents first", () => {
    const inherited = plan({ binds: ["/old:/a/b", "/keep:/c"] });
    const result = plan({ binds: ["/new:/a/b", "/p:/a"] }, [], inherited);
    expect(result.map(({ destination }) => destination)).toEqual(["/c", "/a", "/a/b"]);
    expect(result.find(({ destination }) => destination === "/a/b")).toMatchObject({ source: "/new" });
  });

  it("cannot leave the root with an image's VOLUME", () => {
    expect(plan({}, ["/../../etc"])[0]?.destination).toBe("/etc");
  });

  it("becomes a RunSpec mount", () => {
    const [volume] = plan({ binds: ["data:/dst:ro"] });
    expect(volume && toMount(volume, "/var/lib/x/_data")).toEqual({
      type: "bind",
      source: "/var/lib/x/_data",
      destination: "/dst",
      options: ["rbind", "rprivate", "rro"],
    });
  });
});
