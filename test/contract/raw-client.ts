/** A TCP-level client: exactly the bytes a test wants, and everything that came back. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class RawClient {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #waiters: (() => void)[] = [];

  private constructor(path: string) {
    this.socket = connect({ path, allowHalfOpen: true });
    const wake = (): void => {
      for (const waiter of this.#waiters.splice(0)) waiter();
    };
    this.socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      wake();
    });
    for (const event of ["end", "close", "error"]) {
      this.socket.on(event, () => {
        this.#ended = true;
        wake();
      });
    }
  }
  static async connect(path: string): Promise<RawClient> {
    const client = new RawClient(path);
    await once(client.socket, "connect");
    return client;
  }

  send(...parts: readonly (string | Buffer)[]): void {
    this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  }
  /** Our direction ends; theirs goes on. */
  finish(): void {
    this.socket.end();
  }
  #until(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The head up to and with the empty line; taken off. */
  async head(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      if (end >= 0) {
        const head = this.#received.toString("latin1", 0, end + 4);
        this.#received = this.#received.subarray(end + 4);
        return head;
      }
      if (this.#ended) throw new Error(`no head, only: ${this.#received.toString()}`);
      await this.#until();
    }
  }
  async bytes(length: number): Promise<Buffer> {
    while (this.#received.length < length && !this.#ended) await this.#until();
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }
  /** Everything until the server ends its direction. */
  async rest(): Promise<Buffer> {
    while (!this.#ended) await this.#until();
    const all = this.#received;
    this.#received = Buffer.alloc(0);
    return all;
  }
  close(): void {
    this.socket.destroy();
  }
}
