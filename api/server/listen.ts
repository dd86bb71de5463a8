/** Where the daemon listens: unix sockets, loopback TCP, and sockets that systemd hands over. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect, isIP } from "node:net";
import { dirname } from "node:path";
import { conflict, invalid } from "../../engine/index.ts";

export type Address =
  | { readonly kind: "unix"; readonly host: string; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly address: string; readonly port: number }
  | { readonly kind: "fd"; readonly host: string; readonly fd: number };

/** systemd's protocol: LISTEN_FDS descriptors from 3 on, if LISTEN_PID is this process. */
export const activationFds = (env: Readonly<Record<string, string | undefined>>, pid: number): readonly number[] =>
  Number(env["LISTEN_PID"]) === pid
    ? Array.from({ length: Number(env["LISTEN_FDS"] ?? 0) || 0 }, (_, index) => 3 + index)
    : [];

/** Throws `listen.*` errors that name the host as the user wrote it. Pure. */
export function parseHost(host: string, fds: readonly number[]): readonly Address[] {
  if (host.startsWith("fd://")) {
    if (fds.length === 0)
      throw invalid(
        "listen.no_activation",
        `host ${host}: no sockets were handed over (LISTEN_FDS is not set for this process)`,
      );
    return fds.map((fd) => ({ kind: "fd", host, fd }));
  }
  if (host.startsWith("unix://")) return [{ kind: "unix", host, path: unixPath(host) }];
  const tcp = /^tcp:\/\/(\[[^\]]+\]|[^:/]*):(\d+)\/?$/.exec(host);
  if (tcp === null) throw invalid("listen.bad_host", `host ${host}: must be unix:///path, tcp://address:port or fd://`);
  const [, name = "", port = "0"] = tcp;
  const address = name.replace(/^\[|\]$/g, "") || "0.0.0.0";
  if (!isLoopback(address)) {
    throw invalid(
      "listen.not_loopback",
      `host ${host}: without TLS only loopback addresses may be listened on, such as tcp://127.0.0.1:${port}`,
      {
        hint: "Whoever can connect has the power of root; use an SSH tunnel to the unix socket instead.",
      },
    );
  }
  return [{ kind: "tcp", host, address, port: Number(port) }];
}

/** Longest path that fits into a socket address. */
const MAX_SOCKET_PATH = 107;
function unixPath(host: string): string {
  const path = host.slice("unix://".length);
  if (!path.startsWith("/"))
    throw invalid("listen.bad_host", `host ${host}: the path of a unix socket must be absolute`);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw invalid(
      "listen.bad_host",
      `host ${host}: the path of a unix socket may have at most ${MAX_SOCKET_PATH} bytes`,
    );
  }
  return path;
}

const isLoopback = (address: string): boolean =>
  address === "localhost" || address === "::1" || (isIP(address) === 4 && address.startsWith("127."));

/** Resolves when the server accepts connections. `group` owns a unix socket; null = docker or tare where it exists. */
export async function listen(server: Server, address: Address, group: string | null): Promise<void> {
  switch (address.kind) {
    case "fd":
      return listening(server, address.host, () => server.listen({ fd: address.fd }));
    case "tcp":
      return listening(server, address.host, () => server.listen(address.port, address.address));
    case "unix":
      await clearStale(address);
      mkdirSync(dirname(address.path), { recursive: true, mode: 0o711 });
      return listening(server, address.host, () => bindPrivately(server, address.path, group));
  }
}

/** Nobody but root may connect before owner and mode are final: the socket is born 0600. */
function bindPrivately(server: Server, path: string, group: string | null): void {
  const before = process.umask(0o177);
  try {
    server.listen(path); // binds before it returns
  } finally {
    process.umask(before);
  }
  server.once("listening", () => {
    const gid = groupId(group);
    if (gid !== null && process.getuid?.() === 0) chownSync(path, 0, gid);
    chmodSync(path, 0o660);
  });
}

function listening(server: Server, host: string, act: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (cause: Error): void =>
    reject(invalid("listen.failed", `cannot listen on ${host}: ${cause.message}`, { cause }));
  server.once("error", failed);
  server.once("listening", () => {
    server.removeListener("error", failed);
    resolve();
  });
  act();
  return promise;
}

/** A socket file that nobody answers on is taken over; anything else in its place is an error. */
async function clearStale({ path, host }: { readonly path: string; readonly host: string }): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket())
    throw invalid("listen.not_a_socket", `cannot listen on ${host}: ${path} exists and is not a socket`);
  if (await answers(path)) {
    throw conflict("listen.in_use", `cannot listen on ${host}: another daemon answers there`, {
      hint: "Stop it first, or choose another socket with --host.",
    });
  }
  rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once("connect", () => {
    socket.destroy();
    resolve(true);
  });
  // A full backlog is somebody, too; only a refused connection means that the file is a leftover.
  socket.once("error", (error: NodeJS.ErrnoException) =>
    resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
  );
  return promise;
}

function groupId(group: string | null): number | null {
  const names = group === null ? ["docker", "tare"] : [group];
  const lines = groupFile().split("\n");
  for (const name of names) {
    const line = lines.find((one) => one.startsWith(`${name}:`));
    if (line !== undefined) return Number(line.split(":")[2]);
    if (group !== null && /^\d+$/.test(name)) return Number(name);
  }
  if (group !== null) throw invalid("listen.no_group", `group "${group}" (configuration key "group") does not exist`);
  return null;
}

function groupFile(): string {
  try {
    return readFileSync("/etc/group", "utf8");
  } catch {
    return "";
  }
}
