import { ApiError, parseJson } from "../../client/index.ts";
import { command } from "../parse/command.ts";
import { bool, string } from "../parse/flag.ts";
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { explain } from "../explain.ts";
import { asStruct } from "../render/inspect-shape.ts";
import { TemplateError } from "../render/template/lex.ts";
import type { Template } from "../render/template/parse.ts";
import { compileValueFormat, renderValue } from "../render/value.ts";
import { platformJson } from "./images.ts";
import { VALUE_FORMAT_USAGE, withoutSlash } from "./shared.ts";

type Fetch = (context: Context, name: string, size: boolean) => Promise<unknown>;

const fetchers = {
  container: async ({ client }, name, size) =>
    parseJson(
      await client.text("GET /containers/{id}/json", { path: { id: withoutSlash(name) }, query: size ? { size } : {} }),
    ),
  image: async ({ client }, name) => parseJson(await client.text("GET /images/{name}/json", { path: { name } })),
  network: async ({ client }, name) => parseJson(await client.text("GET /networks/{id}", { path: { id: name } })),
  volume: async ({ client }, name) => parseJson(await client.text("GET /volumes/{name}", { path: { name } })),
} satisfies Readonly<Record<string, Fetch>>;
type Kind = keyof typeof fetchers;
const KINDS = Object.keys(fetchers) as Kind[];

/** The first kind that has an object of this name, in docker's order. */
async function fetchAny(context: Context, name: string, size: boolean): Promise<unknown> {
  for (const kind of KINDS) {
    try {
      return await (fetchers[kind] as Fetch)(context, name, size);
    } catch (error) {
      // 501: this daemon has no objects of that kind yet.
      if (!(error instanceof ApiError && (error.status === 404 || error.status === 501))) throw error;
    }
  }
  throw new StatusError(1, `Error: No such object: ${name}`);
}

/** Fields in the daemon's order, whole numbers as they came. */
function toText(value: unknown, indentation: number): string {
  const raw = JSON as unknown as { rawJSON(text: string): unknown };
  const exact = (_key: string, one: unknown) => (typeof one === "bigint" ? raw.rawJSON(String(one)) : one);
  return JSON.stringify(value, exact, indentation);
}

/** Structs first, raw JSON when that fails, as docker does; the error is that of the second. */
function renderOne(template: Template, value: unknown): string {
  try {
    return renderValue(template, asStruct(value), "default");
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
  }
  try {
    return renderValue(template, value, "error");
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new StatusError(1, `template parsing error: ${error.message}`, { cause: error });
  }
}

interface Request {
  readonly names: readonly string[];
  readonly format: string;
  readonly fetch: (name: string) => Promise<unknown>;
}

export async function inspectAll(context: Context, { names, format, fetch }: Request): Promise<number> {
  const asJson = format === "json";
  const template = format === "" || asJson ? null : compileValueFormat(format);
  const found: unknown[] = [];
  const failures: string[] = [];
  let rendered = "";
  for (const name of names) {
    try {
      const value = await fetch(name);
      found.push(value);
      if (template !== null) rendered += `${renderOne(template, value)}\n`;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof StatusError)) throw error;
      failures.push(explain(error).text);
      if (!(error instanceof ApiError) && template !== null) break;
    }
  }
  if (template !== null) await context.stdout.write(rendered === "" ? "\n" : rendered);
  else await context.stdout.write(`${toText(found, asJson ? 0 : 4)}\n`);
  if (failures.length > 0) throw new StatusError(1, failures.join("\n"));
  return 0;
}

const MANY = Number.POSITIVE_INFINITY;
const format = string(VALUE_FORMAT_USAGE, { short: "f" });
const size = bool("Display total file sizes if the type is container", { short: "s" });

export const inspect = command({
  synopsis: "[OPTIONS] NAME|ID [NAME|ID...]",
  summary: "Return low-level information on containers and images",
  flags: { format, size, type: string("Only inspect objects of the given type", { complete: KINDS }) },
  args: { min: 1, max: MANY },
  complete: ["container"],
  examples: [
    ["inspect -f '{{.State.Status}} {{.State.Pid}}' web", "two fields"],
    ["inspect -f '{{json .Config.Env}}' web", "a part as JSON"],
  ],
  run: ({ context, flags, changed, args }) => {
    const { type } = flags;
    if (changed.has("type") && type === "")
      throw new StatusError(1, "type is empty: must be one of " + KINDS.map((kind) => `"${kind}"`).join(", "));
    if (type !== "" && !KINDS.includes(type as Kind)) {
      const known = KINDS.map((kind) => JSON.stringify(kind)).join(", ");
      throw new StatusError(1, `unknown type: ${JSON.stringify(type)}: must be one of ${known}`);
    }
    const fetch: Fetch = type === "" ? fetchAny : fetchers[type as Kind];
    return inspectAll(context, {
      names: args,
      format: flags.format,
      fetch: (name) => fetch(context, name, flags.size),
    });
  },
});

export const inspectContainers = command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Display detailed information on one or more containers",
  flags: { format, size: { ...size, usage: "Display total file sizes" } },
  args: { min: 1, max: MANY },
  complete: ["container"],
  run: ({ context, flags, args }) =>
    inspectAll(context, {
      names: args,
      format: flags.format,
      fetch: (name) => fetchers.container(context, name, flags.size),
    }),
});

export const inspectImages = command({
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Display detailed information on one or more images",
  flags: { format, platform: string('Inspect a specific platform of the multi-platform image: "os[/arch[/variant]]"') },
  args: { min: 1, max: MANY },
  complete: ["image"],
  run: ({ context, flags, args }) => {
    const query = flags.platform === "" ? {} : { platform: platformJson(flags.platform) };
    const fetch = async (name: string) =>
      parseJson(await context.client.text("GET /images/{name}/json", { path: { name }, query }));
    return inspectAll(context, { names: args, format: flags.format, fetch });
  },
});
