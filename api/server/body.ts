/** JSON request bodies: content type, exactly one value, and the texts of what is wrong with it. */
import { invalid } from "../../engine/index.ts";
import { decode, type TSchema } from "../schema/index.ts";

/** Largest JSON body; a create with a whole seccomp profile is about 50 kB. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** `hasBody` is false when the request announces none: then no content type is needed. */
export function checkContentType(type: string | undefined, hasBody: boolean): void {
  if (type === undefined || type === "") {
    if (!hasBody) return;
    throw invalid("api.content_type", "unsupported Content-Type header (): must be 'application/json'");
  }
  if (type.split(";")[0]?.trim().toLowerCase() === "application/json") return;
  throw invalid("api.content_type", `unsupported Content-Type header (${type}): must be 'application/json'`);
}

/** undefined for an empty body or `null`. */
export function parseBody(schema: TSchema, bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  if (text.trim() === "") return undefined;
  const decoded = decode(schema, parseJson(text));
  if ("value" in decoded) return decoded.value;
  const { field, expected, got } = decoded.problem;
  const where = field === "" ? "the body" : `"${field}"`;
  throw invalid("api.bad_json", `invalid JSON: ${where} must be ${expected}, not ${got}`, { details: { field } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = (error as Error).message;
    if (reason.startsWith("Unexpected non-whitespace character after JSON")) {
      throw invalid("api.trailing_data", "unexpected content after JSON", { cause: error });
    }
    throw invalid("api.bad_json", `invalid JSON: ${reason}`, { cause: error });
  }
}

export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES)
      throw invalid("api.body_too_large", `request body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
