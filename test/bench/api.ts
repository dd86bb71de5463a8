/** The Docker API over keep-alive unix sockets: the same client for every engine, so that only the engine differs. */
import { Agent, type IncomingMessage, request } from "node:http";

export class Api {
  readonly socketPath: string;
  readonly #agent: Agent;

  constructor(socketPath: string, sockets = 8) {
    this.socketPath = socketPath;
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets });
  }

  /** Resolves with the answer's head; the caller reads the body. */
  open(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    const raw = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? "application/x-tar" : "application/json";
    const headers = raw === undefined ? {} : { "Content-Type": type, "Content-Length": raw.length };
    return new Promise((resolve, reject) => {
      const req = request(
        { socketPath: this.socketPath, agent: this.#agent, method, path: `/v1.41${path}`, headers },
        resolve,
      );
      req.on("error", reject);
      req.end(raw);
    });
  }

  /** The whole body as text; a status of 400 or more is an error with the daemon's message. */
  async text(method: string, path: string, body?: unknown): Promise<string> {
    const res = await this.open(method, path, body);
    const chunks: Buffer[] = [];
    for await (const chunk of res) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    if ((res.statusCode ?? 0) >= 400) throw new Error(`${method} ${path}: ${res.statusCode} ${text.trim()}`);
    return text;
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const text = await this.text(method, path, body);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  async create(config: Readonly<Record<string, unknown>>): Promise<string> {
    const { Id } = await this.json<{ readonly Id: string }>("POST", "/containers/create", config);
    return Id;
  }

  start = (id: string): Promise<string> => this.text("POST", `/containers/${id}/start`);
  wait = (id: string): Promise<string> => this.text("POST", `/containers/${id}/wait`);
  remove = (id: string): Promise<string> => this.text("DELETE", `/containers/${id}?force=1&v=1`);

  /** Sends an upgrade (attach, exec start) and resolves with the number of bytes that came until the end of the stream. */
  stream(path: string, body: unknown): Promise<number> {
    const raw = Buffer.from(JSON.stringify(body));
    const headers = {
      "Content-Type": "application/json",
      "Content-Length": raw.length,
      Connection: "Upgrade",
      Upgrade: "tcp",
    };
    return new Promise((resolve, reject) => {
      const req = request({ socketPath: this.socketPath, method: "POST", path: `/v1.41${path}`, headers });
      req.on("error", reject);
      req.on("response", (res) => reject(new Error(`POST ${path}: ${res.statusCode}`)));
      req.on("upgrade", (_res, socket, head) => {
        let bytes = head.length;
        socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
        socket.on("error", reject);
        socket.on("end", () => {
          socket.end();
          resolve(bytes);
        });
      });
      req.end(raw);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
