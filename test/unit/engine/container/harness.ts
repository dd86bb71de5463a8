/** The container service over fakes: real records (SQLite in a temporary root), no processes, no images. */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../../../../engine/base/database.ts";
import { notFound } from "../../../../engine/base/errors.ts";
import { createLog } from "../../../../engine/base/log.ts";
import { systemClock } from "../../../../engine/base/time.ts";
import { resolveConfig } from "../../../../engine/config.ts";
import { assemble } from "../../../../engine/container/assemble.ts";
import type { ImageStore, SnapshotStore } from "../../../../engine/container/context.ts";
import { loadContainers, recoverContainers } from "../../../../engine/container/recover-run.ts";
import { Containers } from "../../../../engine/container/service.ts";
import { UserCache } from "../../../../engine/container/users.ts";
import { Bus } from "../../../../engine/events/bus.ts";
import { readHostView } from "../../../../engine/isolation/host-view.ts";
import { makeLayout, planLayout } from "../../../../engine/store/layout.ts";
import { RecordStore } from "../../../../engine/store/records.ts";
import type { Image } from "../../../../images/index.ts";
import { FakeBackend } from "./fake-backend.ts";

const IMAGE_ID = `sha256:${"ab".repeat(32)}`;
const image = {
  id: IMAGE_ID,
  chainId: `sha256:${"cd".repeat(32)}`,
  size: 1000,
  platform: { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" },
} as unknown as Image;

export interface ImageFixture {
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

function fakeImages(run: ImageFixture): ImageStore {
  return {
    resolve(ref: string) {
      if (ref === "probe:latest" || ref === IMAGE_ID) return image;
      throw notFound("image.not_found", `No such image: ${ref}`);
    },
    rawConfig: () => Buffer.from(JSON.stringify({ config: run })),
  };
}

class FakeSnapshots {
  readonly live = new Set<string>();
  failure: Error | null = null;
  /** What the image's root is, for whoever opens it. */
  readonly #imageRoot: string;
  constructor(imageRoot: string) {
    this.#imageRoot = imageRoot;
  }
  async prepare(key: string) {
    if (this.failure !== null) throw this.failure;
    this.live.add(key);
    return this.get(key);
  }
  get(key: string) {
    return {
      key,
      base: "/nonexistent",
      lowers: ["2/fs", "1/fs"],
      upper: `${key.slice(0, 6)}/fs`,
      work: `${key.slice(0, 6)}/work`,
    };
  }
  async remove(key: string) {
    this.live.delete(key);
  }
  async usage() {
    return 42;
  }
  keys() {
    return [...this.live];
  }
  openRoot() {
    const fd = openSync(this.#imageRoot, "r");
    const close = (): void => closeSync(fd);
    return { fd, close, [Symbol.asyncDispose]: async () => close() };
  }
}

export interface Harness extends AsyncDisposable {
  readonly root: string;
  readonly containers: Containers;
  readonly backend: FakeBackend;
  readonly snapshots: FakeSnapshots;
  readonly events: Bus;
  readonly records: RecordStore;
  readonly logged: string[];
  /** "create", "start", "die"… of all containers. */
  actions(): string[];
  drain(): Promise<void>;
  /** A new service over the same records, as a daemon that comes back. */
  reopen(backend?: FakeBackend): Promise<Harness>;
  /** The same, without waiting for recovery. */
  reopenNow(backend: FakeBackend): Harness;
}

interface Kept {
  readonly root: string;
  readonly database: Database;
  readonly snapshots: FakeSnapshots;
  readonly run: ImageFixture;
}

function build(kept: Kept, backend: FakeBackend): { harness: Harness; ready: Promise<void> } {
  const config = resolveConfig({
    flags: { "data-root": join(kept.root, "data"), "exec-root": join(kept.root, "run") },
    env: {},
    file: null,
  });
  const layout = planLayout(config);
  makeLayout(layout);
  const logged: string[] = [];
  const log = createLog("warn", (line) => logged.push(line));
  const records = new RecordStore(kept.database);
  const events = new Bus(systemClock);
  const snapshots = kept.snapshots as unknown as SnapshotStore;
  const users = new UserCache(snapshots, () => ({ uid: 0, gid: 0, additionalGids: [0], home: "/root" }));
  const view = readHostView();
  const parts = {
    config,
    layout,
    log,
    clock: systemClock,
    records,
    events,
    images: fakeImages(kept.run),
    snapshots,
    backend,
    view,
    users,
  };
  const { context, drain } = assemble({
    ...parts,
    observeDevices: () => ({ byPath: new Map(), all: [] }),
    isRuntime: (name) => name !== "bogus",
  });
  const ready = recoverContainers(context, loadContainers(context));
  const harness: Harness = {
    root: kept.root,
    containers: new Containers(context),
    backend,
    snapshots: kept.snapshots,
    events,
    records,
    logged,
    actions: () => events.recent().map((event) => event.action),
    drain,
    reopenNow(next) {
      return build(kept, next).harness;
    },
    async reopen(next = new FakeBackend()) {
      const built = build(kept, next);
      await built.ready;
      await built.harness.drain();
      return built.harness;
    },
    async [Symbol.asyncDispose]() {
      await drain();
      kept.database.close();
      rmSync(kept.root, { recursive: true, force: true });
    },
  };
  return { harness, ready };
}

export async function openHarness(run: ImageFixture = { Cmd: ["probe"] }): Promise<Harness> {
  const root = mkdtempSync(join(tmpdir(), "tare-u-"));
  const kept = {
    root,
    database: Database.open(join(root, "db")),
    snapshots: new FakeSnapshots(join(root, "image")),
    run,
  };
  mkdirSync(join(root, "image"));
  const { harness, ready } = build(kept, new FakeBackend());
  await ready;
  return harness;
}
