/** The running daemon: engine, listeners and their end. `main.ts` gives it the process. */
import { rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { type Engine, type EngineConfig, type Log, openEngine } from "../../engine/index.ts";
import { type App, createApp } from "./app.ts";
import { type Address, activationFds, listen, parseHost } from "./listen.ts";

export interface RunningDaemon {
  readonly engine: Engine;
  readonly hosts: readonly string[];
  /** Containers go on; requests in flight get a moment. Idempotent. */
  close(): Promise<void>;
}

/** What a request that is being answered may take at the end. */
const GRACE_MS = 3000;

export async function startDaemon(config: EngineConfig, log: Log): Promise<RunningDaemon> {
  const fds = activationFds(process.env, process.pid);
  const addresses = config.hosts.flatMap((host) => parseHost(host, fds));
  const engine = await openEngine(config, { log });
  const pidFile = join(config.execRoot, "ctrd.pid");
  try {
    const app = await createApp(engine, { log });
    const listeners = await listenAll(app, addresses, config.group);
    writeFileSync(pidFile, `${process.pid}\n`);
    const close = once(async () => {
      await stopServing(app, listeners);
      await engine.close();
      rmSync(pidFile, { force: true });
    });
    return { engine, hosts: addresses.map(({ host }) => host), close };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

interface Listeners {
  readonly servers: readonly Server[];
  readonly sockets: Set<Socket>;
}

async function listenAll(app: App, addresses: readonly Address[], group: string | null): Promise<Listeners> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  try {
    for (const address of addresses) {
      const server = app.createServer();
      server.on("connection", (socket: Socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
      });
      await listen(server, address, group);
      servers.push(server);
    }
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return { servers, sockets };
}

/** No new connections; idle ones are closed, the others when they are done or the grace is over. */
async function stopServing(app: App, { servers, sockets }: Listeners): Promise<void> {
  const closed = Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  for (const server of servers) server.closeIdleConnections();
  for (const socket of app.hijacked) socket.destroy();
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, GRACE_MS);
  await closed;
  clearTimeout(timer);
  await app.close();
}

function once(act: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= act();
    return result;
  };
}
