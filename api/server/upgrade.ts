/** Requests that ask for another protocol: attach and exec start (`tcp`), attach over a websocket. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type Log, notFound, TareError, unsupported } from "../../engine/index.ts";
import { allRoutes } from "../schema/index.ts";
import type { Handlers } from "./answer.ts";
import { dispatch } from "./dispatch.ts";
import { answerUpgrade, refuseUpgrade, startUpgraded } from "./hijack.ts";
import { createMatcher } from "./matcher.ts";
import { rewritePath } from "./path.ts";
import { readUpgradeBody } from "./upgrade-body.ts";
import { acceptWebsocket } from "./websocket.ts";

const match = createMatcher(Object.entries(allRoutes).filter(([, { reply }]) => reply === "hijack"));

export function wantsUpgrade(req: IncomingMessage): boolean {
  const { url } = rewritePath(req.method ?? "GET", req.url ?? "/");
  return match(req.method ?? "GET", url) !== null;
}

export function createUpgrader(handlers: Handlers, log: Log, hijacked: Set<Socket>) {
  return (req: IncomingMessage, socket: Socket, head: Buffer): void => {
    socket.on("error", () => {});
    hijacked.add(socket);
    socket.once("close", () => hijacked.delete(socket));
    upgrade(handlers, req, socket, head).catch((error: unknown) => {
      if (!(error instanceof TareError)) log.error("upgrade failed", { url: req.url ?? "", error });
      refuseUpgrade(socket, error);
    });
  };
}

async function upgrade(handlers: Handlers, req: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
  const path = rewritePath(req.method ?? "GET", req.url ?? "/");
  const found = match(req.method ?? "GET", path.url);
  if (found === null) throw notFound("api.not_found", "page not found");
  const { id, route, params } = found;
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  const { body, rest } = await readUpgradeBody(req, socket, head);
  const answer = await dispatch(id, handlers, { route, path, params, req, body, signal: gone.signal });
  if (answer.kind === "stream") throw unsupported("api.no_upgrade", "this endpoint cannot be upgraded");
  if (answer.kind !== "hijack") return answerUpgrade(socket, answer, 200);
  const run =
    id === "ContainerAttachWebsocket"
      ? acceptWebsocket(req, socket, rest, answer.plan)
      : startUpgraded(socket, rest, answer.plan, path.api);
  await run;
}
