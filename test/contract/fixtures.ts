/** Domain objects with every field set, for tests of the wire. */
import type { ContainerConfig, ContainerSnapshot, HostConfig } from "../../engine/index.ts";
import { configDefaults, hostDefaults } from "../support/config-defaults.ts";

export const containerConfig = (more: Partial<ContainerConfig> = {}): ContainerConfig => ({
  ...configDefaults,
  hostname: "0123456789ab",
  attachStdout: true,
  attachStderr: true,
  cmd: ["sh"],
  image: "busybox",
  ...more,
});

/** As create stores it: the defaults are written back. */
export const hostConfig = (more: Partial<HostConfig> = {}): HostConfig => ({
  ...hostDefaults,
  oomKillDisable: false,
  networkMode: "bridge",
  cgroupnsMode: "host",
  ipcMode: "private",
  shmSize: 64 << 20,
  runtime: "runc",
  maskedPaths: ["/proc/kcore"],
  readonlyPaths: ["/proc/sys"],
  ...more,
});

export const containerSnapshot = (more: Partial<ContainerSnapshot> = {}): ContainerSnapshot => ({
  id: "01".repeat(32),
  name: "web",
  createdAt: "2026-11-22T10:00:00.123456789Z",
  imageId: `sha256:${"a".repeat(64)}`,
  config: containerConfig(),
  host: hostConfig(),
  endpoints: {},
  path: "sh",
  args: [],
  state: { status: "running", startedAt: "2026-11-22T10:00:01.000000000Z", pid: 42, oomKilled: false },
  restartCount: 0,
  mounts: [],
  logPath: "/l",
  hostnamePath: "/hn",
  hostsPath: "/h",
  resolvConfPath: "/r",
  driver: "overlay2",
  graphDriverData: {},
  apparmorProfile: "",
  execIds: [],
  phases: [],
  ...more,
});
