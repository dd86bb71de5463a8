/** What a handler gives back, and what it is given. Handlers know nothing of HTTP besides these. */
import type { Readable } from "node:stream";
import type { ApiVersion, BodyFor, OperationId, QueryFor, ServedOperation } from "../schema/index.ts";

export type Answer =
  | {
      readonly kind: "json";
      readonly value: unknown;
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** A JSON text that is ready, for what is written by hand. */
  | {
      readonly kind: "text";
      readonly text: string;
      readonly type: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: "empty"; readonly status?: number; readonly headers?: Readonly<Record<string, string>> }
  /** Headers go out at once; every chunk is flushed; a client that goes away destroys the stream. */
  | {
      readonly kind: "stream";
      readonly body: Readable;
      readonly type: string;
      /** How a failure after the head is said in-band; without it the connection is cut. */
      readonly failure?: (error: unknown) => Uint8Array;
    }
  /** The socket itself, see hijack.ts. */
  | { readonly kind: "hijack"; readonly plan: HijackPlan };

export interface HijackPlan {
  readonly tty: boolean;
  /** Takes the connection over after the head has been sent. Never rejects. */
  run(connection: Connection): Promise<void>;
}

/** A hijacked connection: bytes both ways, each with its own end. */
export interface Connection {
  /** Calls back for each chunk and waits for it before the next; `end` once, at the client's FIN. */
  read(chunk: (bytes: Uint8Array) => Promise<void> | void, end: () => Promise<void> | void): void;
  /** Throws the client's bytes away, so that its FIN is seen. */
  discard(): void;
  /** Resolves when the socket takes more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends our direction. */
  end(): void;
  /** Aborted when the client is gone altogether. */
  readonly signal: AbortSignal;
}

export interface Call<K extends OperationId> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: QueryFor<K>;
  readonly body: BodyFor<K>;
  /** The request body of an upload; an ended stream otherwise. */
  readonly upload: Readable;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly api: ApiVersion;
  /** Aborted when the client goes away before the answer is complete. */
  readonly signal: AbortSignal;
}

export type Handler<K extends OperationId> = (call: Call<K>) => Answer | Promise<Answer>;
export type Handlers = { readonly [K in ServedOperation]: Handler<K> };

export const json = (value: unknown, status?: number): Answer =>
  status === undefined ? { kind: "json", value } : { kind: "json", value, status };
export const empty = (status?: number): Answer =>
  status === undefined ? { kind: "empty" } : { kind: "empty", status };
export const stream = (body: Readable, type: string): Answer => ({ kind: "stream", body, type });

export const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";
export const RAW = "application/vnd.docker.raw-stream";
