/** A namespace backend below a temporary root, and requests that run the hello program in a directory or overlay root. */
import { randomBytes } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NamespaceBackend } from "../../engine/isolation/namespace/backend.ts";
import type { SandboxRequest } from "../../engine/isolation/backend.ts";
import { readHostView } from "../../engine/isolation/host-view.ts";
import type { ContainerConfig, HostConfig } from "../../engine/spec/config.ts";
import { NO_DEVICES } from "../../engine/spec/host-view.ts";
import { resolve, type ResolveInput } from "../../engine/spec/resolve.ts";
import type { Mount, RunSpec } from "../../engine/spec/run-spec.ts";
import { validateCreate } from "../../engine/spec/validate.ts";
import { configDefaults, hostDefaults } from "./config-defaults.ts";

const BUILD = join(import.meta.dirname, "../../native/build");
export const SHIM = join(BUILD, "ctr-shim");
export const HELLO = join(BUILD, "hello");

export interface SpecOptions {
  readonly config?: Partial<ContainerConfig>;
  readonly host?: Partial<HostConfig>;
  readonly user?: ResolveInput["user"];
  readonly mounts?: readonly Mount[];
  readonly idRange?: { readonly start: number; readonly size: number };
  readonly paths?: Partial<ResolveInput["paths"]>;
  /** Directory root instead of the overlay. */
  readonly directory?: string;
  /** Sees the root before it is used, to make it hostile. */
  readonly prepareRoot?: (root: string) => void;
}

export class SandboxBed implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), "tare-sandbox-"));
  readonly name = `tare-test-${randomBytes(4).toString("hex")}`;
  readonly warnings: string[] = [];
  readonly view = readHostView();
  readonly backend: NamespaceBackend;
  readonly #sandboxes: AsyncDisposable[] = [];

  constructor() {
    // as the engine's exec root: a container's own root must be able to pass through
    chmodSync(this.root, 0o711);
    mkdirSync(join(this.root, "run/r"), { recursive: true });
    this.backend = this.open();
  }

  /** Another daemon's view of the same roots. */
  open(): NamespaceBackend {
    return new NamespaceBackend({
      shimPath: SHIM,
      execRoot: join(this.root, "run"),
      cgroupParent: `/${this.name}`,
      onWarning: (message) => this.warnings.push(message),
    });
  }

  /** layers/hello (read-only), upper and work of one container. */
  #overlay(id: string, prepare: ((root: string) => void) | undefined): RunSpec["root"] {
    const base = join(this.root, "layers");
    const lower = join(base, prepare === undefined ? "hello" : `hello-${id.slice(0, 8)}`);
    for (const dir of ["bin", "etc", "tmp", "proc", "sys", "dev"]) mkdirSync(join(lower, dir), { recursive: true });
    chmodSync(join(lower, "tmp"), 0o1777);
    copyFileSync(HELLO, join(lower, "bin/hello"));
    chmodSync(join(lower, "bin/hello"), 0o755);
    prepare?.(lower);
    const short = id.slice(0, 8);
    mkdirSync(join(base, short, "fs"), { recursive: true });
    mkdirSync(join(base, short, "work"), { recursive: true });
    return {
      kind: "overlay",
      base,
      lowers: [lower.slice(base.length + 1)],
      upper: `${short}/fs`,
      work: `${short}/work`,
    };
  }

  spec(args: readonly string[], options: SpecOptions = {}): RunSpec {
    const id = randomBytes(32).toString("hex");
    const config = { ...configDefaults, cmd: args, ...options.config };
    const { host } = validateCreate({
      config,
      host: { ...hostDefaults, networkMode: "none", ...options.host },
      view: this.view,
      capabilities: this.backend.capabilities,
    });
    return resolve({
      id,
      config,
      host,
      root:
        options.directory === undefined
          ? this.#overlay(id, options.prepareRoot)
          : { kind: "directory", path: options.directory },
      user: options.user ?? { uid: 0, gid: 0, additionalGids: [0], home: "/root" },
      paths: { hostname: null, hosts: null, resolvConf: null, shm: null, ...options.paths },
      mounts: options.mounts ?? [],
      joined: { network: null, ipc: null, pid: null },
      cgroupParent: `/${this.name}`,
      idRange: options.idRange ?? null,
      view: this.view,
      devices: NO_DEVICES,
      capabilities: this.backend.capabilities,
    });
  }

  request(spec: RunSpec, options: { readonly startAtOnce?: boolean } = {}): SandboxRequest {
    const runId = randomBytes(8).toString("hex");
    return {
      spec,
      runId,
      runtimeDir: join(this.root, "run/r", runId),
      exitPath: join(this.root, `${spec.id.slice(0, 12)}.exit`),
      log: { format: "json-file", path: this.logPath(spec), maxBytes: 0, maxFiles: 1, attrs: "" },
      startAtOnce: options.startAtOnce ?? true,
    };
  }
  logPath(spec: RunSpec): string {
    return join(this.root, `${spec.id.slice(0, 12)}.log`);
  }

  track<T extends AsyncDisposable>(sandbox: T): T {
    this.#sandboxes.push(sandbox);
    return sandbox;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const sandbox of this.#sandboxes) await sandbox[Symbol.asyncDispose]();
    await this.backend.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}
