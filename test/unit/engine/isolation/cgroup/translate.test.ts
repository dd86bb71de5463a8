import { describe, expect, it } from "vitest";
import { parseHierarchies } from "../../../../../engine/isolation/cgroup/hierarchies.ts";
import {
  allowsEverything,
  cpuWeight,
  deviceWritesV1,
  ioWeight,
  type Write,
  writesV1,
  writesV2,
} from "../../../../../engine/isolation/cgroup/translate.ts";
import { limitOrNull, parseBlkioV1, parseIoStat } from "../../../../../engine/isolation/cgroup/usage.ts";
import type { HostConfig } from "../../../../../engine/spec/config.ts";
import { ALLOW_ALL_DEVICES, DEFAULT_DEVICE_RULES } from "../../../../../engine/spec/defaults.ts";
import { resolveResources } from "../../../../../engine/spec/resolve-resources.ts";
import { hostDefaults } from "../../../../support/config-defaults.ts";

const disk = { path: "/dev/sda", type: "b" as const, major: 8, minor: 0, mode: 0o660, uid: 0, gid: 0 };
const resources = (host: Partial<HostConfig>) =>
  resolveResources({ ...hostDefaults, ...host }, { byPath: new Map([["/dev/sda", [disk]]]), all: [] });
const lines = (writes: readonly Write[]): readonly string[] =>
  writes.map(({ files, value }) => `${files.join("|")}=${value}`);

describe("v1", () => {
  it("writes nothing for what is not limited", () => {
    expect(writesV1(resources({}))).toEqual([]);
  });
  it("writes every limit", () => {
    const host = {
      memory: 100, memorySwap: 200, memoryReservation: 50, memorySwappiness: 10, oomKillDisable: true, cpuShares: 512, nanoCpus: 5e8,
      cpuRealtimePeriod: 1000, cpuRealtimeRuntime: 500, cpusetCpus: "0-1", cpusetMems: "0", pidsLimit: 9, blkioWeight: 300,
      blkioWeightDevice: [{ path: "/dev/sda", weight: 20 }], blkioDeviceReadBps: [{ path: "/dev/sda", rate: 7 }],
      blkioDeviceWriteIops: [{ path: "/dev/sda", rate: 8 }], hugepageLimits: [{ pageSize: "2MB", limit: 4 }],
    }; // biome-ignore format: a record
    expect(lines(writesV1(resources(host)))).toEqual([
      "memory.limit_in_bytes=100",
      "memory.memsw.limit_in_bytes=200",
      "memory.soft_limit_in_bytes=50",
      "memory.swappiness=10",
      "memory.oom_control=1",
      "cpu.shares=512",
      "cpu.cfs_period_us=100000",
      "cpu.cfs_quota_us=50000",
      "cpu.rt_period_us=1000",
      "cpu.rt_runtime_us=500",
      "cpuset.cpus=0-1",
      "cpuset.mems=0",
      "pids.max=9",
      "blkio.weight|blkio.bfq.weight=300",
      "blkio.weight_device|blkio.bfq.weight_device=8:0 20",
      "blkio.throttle.read_bps_device=8:0 7",
      "blkio.throttle.write_iops_device=8:0 8",
      "hugetlb.2MB.limit_in_bytes=4",
    ]);
  });
  it("never makes memory+swap smaller than memory on the way", () => {
    const raise = writesV1(resources({ memory: 400, memorySwap: 500 }), 300);
    const lower = writesV1(resources({ memory: 100, memorySwap: 200 }), 300);
    expect(lines(raise).slice(0, 2)).toEqual(["memory.memsw.limit_in_bytes=500", "memory.limit_in_bytes=400"]);
    expect(lines(lower).slice(0, 2)).toEqual(["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=200"]);
    expect(lines(writesV1(resources({ memory: 400, memorySwap: -1 }), 300))[0]).toBe("memory.memsw.limit_in_bytes=-1");
  });
  it("lists devices in order", () => {
    expect(lines(deviceWritesV1(DEFAULT_DEVICE_RULES)).slice(0, 4)).toEqual([
      "devices.deny=a",
      "devices.allow=c *:* m",
      "devices.allow=b *:* m",
      "devices.allow=c 1:3 rwm",
    ]);
    expect(allowsEverything(ALLOW_ALL_DEVICES)).toBe(true);
    expect(allowsEverything(DEFAULT_DEVICE_RULES)).toBe(false);
  });
});

describe("v2", () => {
  it("writes every limit in its own units", () => {
    const host = {
      memory: 100, memorySwap: 250, memoryReservation: 50, cpuShares: 1024, cpuQuota: 5000, cpusetCpus: "1", pidsLimit: 9, blkioWeight: 500,
      blkioDeviceReadBps: [{ path: "/dev/sda", rate: 7 }], blkioDeviceWriteIops: [{ path: "/dev/sda", rate: 0 }],
      hugepageLimits: [{ pageSize: "2MB", limit: 4 }],
    }; // biome-ignore format: a record
    expect(lines(writesV2({ ...resources(host), unified: { "memory.high": "90" } }))).toEqual([
      "memory.swap.max=150",
      "memory.max=100",
      "memory.low=50",
      "cpu.weight=100",
      "cpu.max=5000 100000",
      "cpuset.cpus=1",
      "pids.max=9",
      "io.weight|io.bfq.weight=default 4950",
      "io.max=8:0 rbps=7",
      "io.max=8:0 wiops=max",
      "hugetlb.2MB.max=4",
      "memory.high=90",
    ]);
    expect(lines(writesV2(resources({ memory: 100, memorySwap: -1 })))).toEqual([
      "memory.swap.max=max",
      "memory.max=100",
    ]);
    expect(lines(writesV2(resources({ memory: 100, memorySwap: 100 })))).toEqual([
      "memory.swap.max=0",
      "memory.max=100",
    ]);
  });
  it.each([
    [2, 1],
    [1, 1],
    [1024, 100],
    [262144, 10000],
    [300000, 10000],
    [512, 59],
  ])("turns %i shares into weight %i", (shares, weight) => {
    expect(cpuWeight(shares)).toBe(weight);
  });
  it("turns blkio weights into io weights", () => {
    expect([ioWeight(10), ioWeight(1000)]).toEqual([1, 10000]);
  });
});

describe("hierarchies", () => {
  const v1 = [
    "32 31 0:29 / /sys/fs/cgroup/odd\\040name rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct",
    "35 31 0:32 / /mem rw - cgroup cgroup rw,memory",
    "36 31 0:32 /x /copy rw - cgroup cgroup rw,memory",
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd",
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
    "42 31 0:39 / / rw - ext4 /dev/vda rw",
  ].join("\n");
  it("are found by mountinfo, not by name", () => {
    const found = parseHierarchies(v1);
    expect(found.version).toBe(1);
    expect([...found.v1]).toEqual([
      ["cpu", "/sys/fs/cgroup/odd name"],
      ["cpuacct", "/sys/fs/cgroup/odd name"],
      ["memory", "/mem"],
    ]);
    expect(found.v2).toBe("/sys/fs/cgroup/unified");
    expect(parseHierarchies("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate").version).toBe(2);
    expect(parseHierarchies("")).toMatchObject({ version: 2, v2: "" });
  });
});

describe("usage", () => {
  it("reads device lines", () => {
    expect(parseBlkioV1("8:0 Read 5\n8:0 Total 5\nTotal 5")).toEqual([
      { major: 8, minor: 0, op: "Read", value: 5 },
      { major: 8, minor: 0, op: "Total", value: 5 },
    ]);
    expect(parseIoStat("8:0 rbytes=1 wbytes=2 rios=3")).toEqual([
      { major: 8, minor: 0, op: "read", value: 1 },
      { major: 8, minor: 0, op: "write", value: 2 },
    ]);
    expect(limitOrNull(9223372036854771712)).toBeNull();
  });
});
