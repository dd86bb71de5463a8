/** Docker's default mounts, changed by the request, then the user's, then the engine's files. Order is what is mounted. Pure. */
import { DEFAULT_MOUNTS, WRITABLE_DEFAULT_MOUNTS } from "./defaults.ts";
import { byDepth } from "./mount-plan.ts";
import type { ResolveInput } from "./resolve.ts";
import type { Mount } from "./run-spec.ts";

type Input = Pick<ResolveInput, "host" | "mounts" | "paths" | "config">;

const SHM_OPTIONS = ["nosuid", "noexec", "nodev"] as const;
function shmMount({ host, paths }: Input): readonly Mount[] {
  const bind = (source: string): readonly Mount[] => [
    { type: "bind", source, destination: "/dev/shm", options: ["rbind", "rprivate", ...SHM_OPTIONS] },
  ];
  if (host.ipcMode === "none") return [];
  if (paths.shm !== null) return bind(paths.shm);
  if (host.ipcMode === "host") return bind("/dev/shm");
  return [
    {
      type: "tmpfs",
      source: "shm",
      destination: "/dev/shm",
      options: [...SHM_OPTIONS, "mode=1777", `size=${host.shmSize}`],
    },
  ];
}

const without = (mount: Mount, word: string): Mount => ({
  ...mount,
  options: mount.options.filter((option) => option !== word),
});

function defaults(input: Input, writableCgroups: boolean): readonly Mount[] {
  const { host } = input;
  const isWritable = (path: string): boolean =>
    host.privileged ? path === "/sys" || path === "/sys/fs/cgroup" : path === "/sys/fs/cgroup" && writableCgroups;
  return [...DEFAULT_MOUNTS, ...shmMount(input)]
    .map((mount) => (isWritable(mount.destination) ? without(mount, "ro") : mount))
    .map((mount) =>
      host.readonlyRootfs && !WRITABLE_DEFAULT_MOUNTS.has(mount.destination) && !mount.options.includes("ro")
        ? { ...mount, options: [...mount.options, "ro"] }
        : mount,
    );
}

function engineFiles({ paths, host }: Input): readonly Mount[] {
  const files = [
    ["/etc/resolv.conf", paths.resolvConf],
    ["/etc/hostname", paths.hostname],
    ["/etc/hosts", paths.hosts],
  ] as const;
  return files.flatMap(([destination, source]) =>
    source === null
      ? []
      : [{ type: "bind", source, destination, options: ["bind", "rprivate", ...(host.readonlyRootfs ? ["ro"] : [])] }],
  );
}

export function resolveMounts(input: Input, writableCgroups: boolean): readonly Mount[] {
  const taken = new Set(input.mounts.map((mount) => mount.destination));
  const replacesDev = taken.has("/dev");
  const isReplaced = ({ destination }: Mount): boolean =>
    taken.has(destination) || (replacesDev && destination.startsWith("/dev/"));
  return [
    ...defaults(input, writableCgroups).filter((mount) => !isReplaced(mount)),
    ...[...input.mounts].sort(byDepth),
    ...engineFiles(input).filter((mount) => !taken.has(mount.destination)),
  ];
}
