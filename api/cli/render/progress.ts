/** The JSON progress streams of load, pull and later build. */
import type { ProgressMessage } from "../../schema/index.ts";
import type { Output } from "../context.ts";
import { StatusError } from "../errors.ts";
import { humanSize } from "./units.ts";

const BAR_COLUMNS = 50;

function bar(message: ProgressMessage): string {
  const { current = 0, total = 0 } = message.progressDetail ?? {};
  if (current <= 0) return "";
  if (total <= 0) return humanSize(current).padStart(8);
  const done = Math.min(BAR_COLUMNS, Math.trunc((current / total) * BAR_COLUMNS));
  const drawn = `[${"=".repeat(done)}>${" ".repeat(BAR_COLUMNS - done)}]`;
  return `${drawn} ${humanSize(current).padStart(8)}/${humanSize(total)}`;
}

function text(message: ProgressMessage, isTerminal: boolean): string {
  if (message.stream !== undefined) return message.stream;
  const id = message.id === undefined ? "" : `${message.id}: `;
  const tail = isTerminal ? (message.progress ?? bar(message)) : "";
  return `${id}${message.status ?? ""}${tail === "" ? "" : ` ${tail}`}`;
}

/**
 * Prints until the stream ends. On a terminal every id has its own line that is rewritten; elsewhere changes of size are left
 * out. Throws StatusError when the stream reports an error. `output` null stays silent.
 */
export async function showProgress(messages: AsyncIterable<ProgressMessage>, output: Output | null): Promise<void> {
  const lines = new Map<string, number>();
  const seen = new Map<string, string>();
  for await (const message of messages) {
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new StatusError(1, failure);
    if (output === null) continue;
    const shown = text(message, output.isTerminal);
    if (message.stream !== undefined) await output.write(shown);
    else if (message.id === undefined || !output.isTerminal) {
      const key = message.id ?? "";
      if (message.progressDetail?.current !== undefined && seen.get(key) === message.status) continue;
      seen.set(key, message.status ?? "");
      await output.write(`${shown}\n`);
    } else {
      const known = lines.get(message.id);
      if (known === undefined) {
        lines.set(message.id, lines.size);
        await output.write(`${shown}\n`);
      } else {
        const up = lines.size - known;
        await output.write(`\u001b[${up}A\u001b[2K\r${shown}\u001b[${up}B\r`);
      }
    }
  }
}
