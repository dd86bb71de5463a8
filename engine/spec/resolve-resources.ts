/** HostConfig's limits → OCI's. Pure. */
import { invalid } from "../base/errors.ts";
import type { HostConfig, ThrottleDevice } from "./config.ts";
import { ALLOW_ALL_DEVICES, DEFAULT_DEVICE_RULES } from "./defaults.ts";
import { mappingRules, parseDeviceRule } from "./device-rules.ts";
import type { DeviceObservation, HostDevice } from "./host-view.ts";
import type { DeviceRate, DeviceRule, Resources } from "./run-spec.ts";

const CFS_PERIOD_US = 100_000;
const nonZero = (value: number): number | null => (value === 0 ? null : value);

function deviceRules(host: HostConfig, devices: DeviceObservation): readonly DeviceRule[] {
  if (host.privileged) return ALLOW_ALL_DEVICES;
  const own = host.deviceCgroupRules.map(parseDeviceRule).filter((rule) => rule !== null);
  return [...DEFAULT_DEVICE_RULES, ...mappingRules(host.devices, devices), ...own];
}

function blockDevice(path: string, devices: DeviceObservation): HostDevice {
  const device = devices.byPath.get(path)?.[0];
  if (device === undefined) {
    throw invalid("container.device_missing", `no such device: ${path}`, {
      details: { argument: "BlkioDevice", path },
    });
  }
  return device;
}
const rates = (list: readonly ThrottleDevice[], devices: DeviceObservation): readonly DeviceRate[] =>
  list.map(({ path, rate }) => {
    const { major, minor } = blockDevice(path, devices);
    return { major, minor, rate };
  });

/** NanoCpus is a quota of Docker's own period. */
function cpuQuota(host: HostConfig): { readonly quota: number | null; readonly period: number | null } {
  if (host.nanoCpus > 0) return { quota: Math.floor((host.nanoCpus * CFS_PERIOD_US) / 1e9), period: CFS_PERIOD_US };
  return { quota: nonZero(host.cpuQuota), period: nonZero(host.cpuPeriod) };
}

/** Limits for a run and for Sandbox.update. */
export function resolveResources(host: HostConfig, devices: DeviceObservation): Resources {
  return {
    devices: deviceRules(host, devices),
    memory: {
      limit: nonZero(host.memory),
      reservation: nonZero(host.memoryReservation),
      swap: nonZero(host.memorySwap),
      swappiness: host.memorySwappiness,
      disableOomKiller: host.oomKillDisable === true,
    },
    cpu: {
      shares: nonZero(host.cpuShares),
      ...cpuQuota(host),
      realtimeRuntime: nonZero(host.cpuRealtimeRuntime),
      realtimePeriod: nonZero(host.cpuRealtimePeriod),
      cpus: host.cpusetCpus,
      mems: host.cpusetMems,
    },
    pids: { limit: host.pidsLimit },
    blockIO: {
      weight: nonZero(host.blkioWeight),
      weightDevice: host.blkioWeightDevice.map(({ path, weight }) => {
        const { major, minor } = blockDevice(path, devices);
        return { major, minor, weight };
      }),
      throttleReadBps: rates(host.blkioDeviceReadBps, devices),
      throttleWriteBps: rates(host.blkioDeviceWriteBps, devices),
      throttleReadIops: rates(host.blkioDeviceReadIops, devices),
      throttleWriteIops: rates(host.blkioDeviceWriteIops, devices),
    },
    hugepages: host.hugepageLimits,
    unified: {},
  };
}
