/** POST /images/load: the request body is the archive, the reply a stream of progress objects. */
import { PassThrough } from "node:stream";
import { TareError } from "../../../engine/index.ts";
import { type Answer, type Call, stream } from "../answer.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { progressLine } from "../json.ts";

type LoadOptions = NonNullable<Parameters<Context["engine"]["images"]["load"]>[1]>;
type Progress = Parameters<NonNullable<LoadOptions["onProgress"]>>[0];

/** An error before the first object is an HTTP error; later it is the last object, as the status has been sent. */
export async function loadImages({ engine, log }: Context, call: Call<"ImageLoad">): Promise<Answer> {
  const lines = new PassThrough();
  const begun = Promise.withResolvers<void>();
  const say = (message: object): void => {
    lines.write(progressLine(message));
    begun.resolve();
  };
  const platform = platformOf(call.query.platform);
  const options: LoadOptions = {
    signal: call.signal,
    ...(platform === null ? {} : { platform }),
    ...(call.query.quiet ? {} : { onProgress: (progress) => say(progressMessage(progress)) }),
  };
  const done = engine.images.load(call.upload, options).then(
    ({ loaded }) => {
      for (const message of loaded.flatMap(loadedMessages)) say({ stream: message });
      lines.end();
    },
    (error: unknown) => {
      begun.reject(error);
      if (!(error instanceof TareError)) log.warn("load failed", { error });
      lines.end(progressLine({ errorDetail: { message: messageOf(error) }, error: messageOf(error) }));
    },
  );
  await Promise.race([begun.promise, done.then(() => begun.promise)]);
  return stream(lines, "application/json");
}

const loadedMessages = ({
  id,
  references,
}: {
  readonly id: string;
  readonly references: readonly string[];
}): string[] =>
  references.length === 0 ? [`Loaded image ID: ${id}\n`] : references.map((name) => `Loaded image: ${name}\n`);

/** `{"os":"linux","architecture":"arm64","variant":"v8"}` as the API sends it → "linux/arm64/v8". */
function platformOf(values: readonly string[]): string | null {
  const text = values[0] ?? "";
  if (text === "" || !text.startsWith("{")) return text === "" ? null : text;
  const { os = "linux", architecture = "", variant = "" } = JSON.parse(text) as Readonly<Record<string, string>>;
  return [os, architecture, variant].filter((part) => part !== "").join("/");
}

function progressMessage({ layer, status, current, total }: Progress): object {
  const counted = status === "Loading layer" && total > 0;
  return {
    status,
    progressDetail: counted ? { current, total } : {},
    ...(counted ? { progress: bar(current, total) } : {}),
    ...(layer === "" ? {} : { id: layer }),
  };
}

const WIDTH = 50;
/** "[=====>     ]  1.2MB/3MB", for clients that print the text as it is. */
export function bar(current: number, total: number): string {
  const filled = Math.min(WIDTH, Math.trunc((current / total) * WIDTH));
  const arrow = filled === WIDTH ? "=".repeat(WIDTH) : `${"=".repeat(filled)}>${" ".repeat(WIDTH - filled - 1)}`;
  return `[${arrow}]  ${size(current)}/${size(total)}`;
}

/** go-units HumanSize: four significant digits, decimal units. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
