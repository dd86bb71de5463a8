/** What the verbs of this folder work with. The images layer is named by the few members used, so that tests can fake it. */
import type { Image, Images } from "../../images/index.ts";
import type { Log } from "../base/log.ts";
import type { Clock } from "../base/time.ts";
import type { EngineConfig } from "../config.ts";
import type { IsolationBackend } from "../isolation/backend.ts";
import type { DeviceObservation, HostView } from "../spec/host-view.ts";
import type { HostConfig } from "../spec/config.ts";
import type { Layout } from "../store/layout.ts";
import type { RecordStore } from "../store/records.ts";
import type { EventBus } from "../types.ts";
import type { VolumeStore } from "../volume/volumes.ts";
import type { Catalog } from "./catalog.ts";
import type { Container } from "./container.ts";
import type { ExecRegistry } from "./exec.ts";
import type { HostFiles } from "./network-files.ts";
import type { UserCache } from "./users.ts";

export type ImageStore = Pick<Images, "resolve" | "rawConfig">;
export type SnapshotStore = Pick<Images["snapshots"], "prepare" | "get" | "remove" | "usage" | "keys" | "openRoot">;
export type { Image };

/** What an exit or a failed start sets off; given by the service, so that the verbs do not import each other in circles. */
export interface FollowUps {
  restart(container: Container): Promise<void>;
  autoRemove(container: Container): Promise<void>;
}

export interface Context {
  readonly config: EngineConfig;
  readonly layout: Layout;
  readonly log: Log;
  readonly clock: Clock;
  readonly records: RecordStore;
  readonly events: EventBus;
  readonly images: ImageStore;
  readonly snapshots: SnapshotStore;
  readonly volumes: VolumeStore;
  readonly backend: IsolationBackend;
  readonly view: HostView;
  readonly observeDevices: (host: HostConfig) => DeviceObservation;
  /** HostConfig.Runtime names that mean this backend. */
  readonly isRuntime: (name: string) => boolean;
  readonly hostFiles: () => HostFiles;
  readonly users: UserCache;
  readonly catalog: Catalog;
  readonly execs: ExecRegistry;
  readonly followUps: FollowUps;
  /** Work that no request waits for; close() waits for it. */
  readonly background: (what: string, work: Promise<unknown>) => void;
}
