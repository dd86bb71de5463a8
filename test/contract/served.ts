/** The API over a fake engine on a unix socket of its own. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { type App, createApp } from "../../api/server/app.ts";
import { type Answer, ask, type AskOptions } from "../support/http.ts";
import { FakeEngine } from "./fake-engine.ts";

export class Served implements AsyncDisposable {
  readonly fake = new FakeEngine();
  readonly socket: string;
  readonly #directory: string;
  #app: App | undefined;
  #server: Server | undefined;
  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), "tare-api-"));
    this.socket = join(this.#directory, "api.sock");
  }
  async start(now?: () => number): Promise<this> {
    this.#app = await createApp(this.fake.engine(), now === undefined ? {} : { now });
    this.#server = this.#app.createServer();
    this.#server.listen(this.socket);
    await once(this.#server, "listening");
    return this;
  }
  ask(method: string, path: string, options?: AskOptions): Promise<Answer> {
    return ask(this.socket, method, path, options);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#app?.hijacked ?? []) socket.destroy();
    this.#server?.closeAllConnections();
    this.#server?.close();
    await this.#app?.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
