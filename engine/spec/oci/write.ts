/** RunSpec → the OCI runtime configuration. What OCI has no word for (the overlay, stdin, init) is not in it. Pure. */
import type { DeviceRate, Hook, Mount, Resources, RunSpec, SeccompProfile } from "../run-spec.ts";
import { defaultProfile } from "../seccomp/default-profile.ts";
import { printExactly } from "../seccomp/fields.ts";
import type { SeccompFacts } from "../seccomp/profile.ts";
import type { Json } from "./fields.ts";

export const OCI_VERSION = "1.2.0";

/** Leaves out what is null, "" or empty: absent and empty mean the same in OCI. */
function present(fields: Json): Json {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) =>
        value !== null &&
        value !== undefined &&
        value !== "" &&
        !(typeof value === "object" && Object.keys(value).length === 0),
    ),
  );
}

const mount = ({ type, source, destination, options }: Mount): Json => ({ destination, type, source, options });
const hook = ({ path, args, env, timeoutSeconds }: Hook): Json => present({ path, args, env, timeout: timeoutSeconds });

const throttle = (rates: readonly DeviceRate[]): readonly Json[] =>
  rates.map(({ major, minor, rate }) => ({ major, minor, rate }));
function resources(from: Resources): Json {
  const { memory, cpu, blockIO } = from;
  return present({
    devices: from.devices.map(({ allow, type, major, minor, access }) => ({
      allow,
      ...present({ type, major, minor, access }),
    })),
    memory: present({
      limit: memory.limit,
      reservation: memory.reservation,
      swap: memory.swap,
      swappiness: memory.swappiness,
      disableOOMKiller: memory.disableOomKiller ? true : null,
    }),
    cpu: present({ ...cpu }),
    pids: present({ limit: from.pids.limit }),
    blockIO: present({
      weight: blockIO.weight,
      weightDevice: blockIO.weightDevice,
      throttleReadBpsDevice: throttle(blockIO.throttleReadBps),
      throttleWriteBpsDevice: throttle(blockIO.throttleWriteBps),
      throttleReadIOPSDevice: throttle(blockIO.throttleReadIops),
      throttleWriteIOPSDevice: throttle(blockIO.throttleWriteIops),
    }),
    hugepageLimits: from.hugepages,
    unified: from.unified,
  });
}

const seccomp = (profile: SeccompProfile): Json => ({
  ...present({
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures: profile.architectures,
    flags: profile.flags,
  }),
  syscalls: profile.syscalls.map(({ names, action, errnoRet, args }) => present({ names, action, errnoRet, args })),
});

function process(spec: RunSpec): Json {
  const { user, consoleSize, ...from } = spec.process;
  return {
    ...present({
      terminal: from.terminal,
      consoleSize,
      args: from.args,
      env: from.env,
      cwd: from.cwd,
      rlimits: from.rlimits,
      apparmorProfile: from.apparmorProfile,
      oomScoreAdj: from.oomScoreAdj,
    }),
    user: { uid: user.uid, gid: user.gid, umask: user.umask, ...present({ additionalGids: user.additionalGids }) },
    capabilities: from.capabilities,
    noNewPrivileges: from.noNewPrivileges,
  };
}

const idMaps = (maps: RunSpec["uidMappings"]): readonly Json[] =>
  maps.map(({ containerId, hostId, size }) => ({ containerID: containerId, hostID: hostId, size }));

/** rootPath: where the root filesystem is (mounted by whoever runs this configuration). */
export function toOci(spec: RunSpec, rootPath: string, facts: SeccompFacts): Json {
  const profile = spec.seccomp === "default" ? defaultProfile(facts) : spec.seccomp;
  return {
    ociVersion: OCI_VERSION,
    process: process(spec),
    root: { path: rootPath, readonly: spec.readonlyRootfs },
    mounts: spec.mounts.map(mount),
    ...present({
      hostname: spec.hostname,
      domainname: spec.domainname,
      hooks: Object.fromEntries(Object.entries(spec.hooks).map(([point, hooks]) => [point, hooks.map(hook)])),
      annotations: spec.annotations,
    }),
    linux: present({
      namespaces: spec.namespaces.map(({ type, path }) => present({ type, path })),
      uidMappings: idMaps(spec.uidMappings),
      gidMappings: idMaps(spec.gidMappings),
      timeOffsets: spec.timeOffsets,
      devices: spec.devices,
      cgroupsPath: spec.cgroupsPath,
      resources: resources(spec.resources),
      rootfsPropagation: spec.rootfsPropagation.replace(/^r/, ""),
      seccomp: profile === null ? null : seccomp(profile),
      sysctl: spec.sysctl,
      maskedPaths: spec.maskedPaths,
      readonlyPaths: spec.readonlyPaths,
    }),
  };
}

/** The text of config.json; numbers above 2^53 keep every digit. */
export const printOci = (config: Json): string => `${printExactly(config)}\n`;
