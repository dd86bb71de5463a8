/** Puts a context together from its parts; `engine/daemon.ts` gives the real ones, tests give others. */
import { readText } from "../base/fs.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/time.ts";
import type { EngineConfig } from "../config.ts";
import type { IsolationBackend } from "../isolation/backend.ts";
import type { HostView } from "../spec/host-view.ts";
import type { Layout } from "../store/layout.ts";
import type { RecordStore } from "../store/records.ts";
import type { EventBus } from "../types.ts";
import { VolumeStore } from "../volume/volumes.ts";
import { Catalog } from "./catalog.ts";
import type { Context, ImageStore, SnapshotStore } from "./context.ts";
import { ExecRegistry } from "./exec.ts";
import type { HostFiles } from "./network-files.ts";
import { followUpsOf } from "./service.ts";
import type { UserCache } from "./users.ts";

/** Read for each create: these files change while a daemon runs. */
function hostFiles(): HostFiles {
  const stub = readText("/etc/resolv.conf") ?? "";
  const usesStub = /^nameserver\s+127\.0\.0\.53\s*$/m.test(stub);
  return {
    hosts: readText("/etc/hosts") ?? "127.0.0.1\tlocalhost\n",
    resolvConf: usesStub ? (readText("/run/systemd/resolve/resolv.conf") ?? stub) : stub,
  };
}

export interface Parts {
  readonly config: EngineConfig;
  readonly layout: Layout;
  readonly log: Log;
  readonly clock: Clock;
  readonly records: RecordStore;
  readonly events: EventBus;
  readonly images: ImageStore;
  readonly snapshots: SnapshotStore;
  readonly backend: IsolationBackend;
  readonly view: HostView;
  readonly users: UserCache;
  readonly observeDevices: Context["observeDevices"];
  readonly isRuntime: Context["isRuntime"];
}

/** Everything containers need, from parts that tests may replace. `drain` waits for background work. */
export function assemble(parts: Parts): { readonly context: Context; readonly drain: () => Promise<void> } {
  const background = new Set<Promise<void>>();
  const context: Context = {
    ...parts,
    volumes: new VolumeStore(parts.layout, parts.records, parts.clock),
    hostFiles,
    catalog: new Catalog(),
    execs: new ExecRegistry(),
    followUps: followUpsOf(() => context),
    background(what, work) {
      const settled: Promise<void> = work.then(
        () => void background.delete(settled),
        (error: unknown) => {
          background.delete(settled);
          parts.log.error(`${what} failed`, { error });
        },
      );
      background.add(settled);
    },
  };
  const drain = async (): Promise<void> => {
    while (background.size > 0) await Promise.all(background);
  };
  return { context, drain };
}
