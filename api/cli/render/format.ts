/**
 * `--format` of the listing commands: "table", "table TEMPLATE", "json", "raw" where there is one, or TEMPLATE; `\t` and
 * `\n` may be written as such. A noun brings its row as methods, its headers, and its usual tables.
 */
import { StatusError } from "../errors.ts";
import { alignTabs } from "./tabwriter.ts";
import { executeTemplate } from "./template/execute.ts";
import { FUNCTION_NAMES, FUNCTIONS, HEADER_FUNCTIONS } from "./template/functions.ts";
import { TemplateError } from "./template/lex.ts";
import { parseTemplate, type Template } from "./template/parse.ts";
import { GoObject, toJson } from "./template/values.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- methods of a row take text, each its own number of them
export type RowMethods = Readonly<Record<string, (...args: any[]) => unknown>>;

export interface Noun<Item> {
  /** As docker's errors name it: "*formatter.ContainerContext". */
  readonly typeName: string;
  readonly headers: Readonly<Record<string, string>>;
  row(item: Item): RowMethods;
}

export interface FormatChoice {
  /** What the user asked for; "" is the usual table. */
  readonly format: string;
  readonly quiet: boolean;
  /** Format used for "table" alone and for nothing. */
  readonly table: string;
  /** Format of one item with --quiet. */
  readonly brief: string;
}

const unescape = (text: string): string => text.replaceAll("\\t", "\t").replaceAll("\\n", "\n");

/** The template text, and whether a header belongs above. */
export function resolveFormat({ format, quiet, table, brief }: FormatChoice): {
  readonly text: string;
  readonly isTable: boolean;
} {
  const asked = format === "" ? "table" : format;
  if (quiet && (asked === "table" || asked.startsWith("table "))) return { text: brief, isTable: false };
  if (asked === "table") return { text: unescape(table.replace(/^table /, "")), isTable: true };
  if (asked === "json") return { text: "{{json .}}", isTable: false };
  if (asked.startsWith("table ")) return { text: unescape(asked.slice("table ".length)), isTable: true };
  if (asked.startsWith("table{{")) return { text: unescape(asked.slice("table".length)), isTable: true };
  return { text: unescape(asked), isTable: false };
}

function parse(text: string): Template {
  try {
    return parseTemplate(text, FUNCTION_NAMES);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new StatusError(1, `failed to parse template: ${error.message}`, { cause: error });
  }
}

const labelHeader = (name: string): string => (name.split(".").at(-1) ?? "").replace(/[-_]/g, " ");

/** The row of a table's head: every field is its title. */
function headerRow<Item>(noun: Noun<Item>): GoObject {
  const methods = Object.entries(noun.headers).map(([name, title]) => [name, () => title]);
  return new GoObject(noun.typeName, { ...Object.fromEntries(methods), Label: (name: string) => labelHeader(name) });
}

/** Go's json.Marshal of a row escapes < > &, and the `json` function leaves that as it is. */
class Row extends GoObject {
  override toJSON(): unknown {
    const raw = JSON as unknown as { rawJSON(text: string): unknown };
    const fields = super.toJSON() as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        typeof value === "string" ? raw.rawJSON(toJson(value, true)) : (value ?? null),
      ]),
    );
  }
}

/** Throws StatusError when the template is wrong. The text ends with a newline unless there is nothing to say. */
export function renderList<Item>(noun: Noun<Item>, items: readonly Item[], choice: FormatChoice): string {
  const { text, isTable } = resolveFormat(choice);
  const template = parse(text);
  const lines: string[] = [];
  try {
    for (const item of items) {
      const row = new Row(noun.typeName, noun.row(item));
      lines.push(executeTemplate(template, row, { functions: FUNCTIONS, missingKey: "error" }));
    }
    if (isTable) {
      lines.unshift(executeTemplate(template, headerRow(noun), { functions: HEADER_FUNCTIONS, missingKey: "error" }));
    }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new StatusError(
      1,
      `failed to execute template: ${error.message.replace(/:(\d+): executing/, (whole) => whole)}`,
      { cause: error },
    );
  }
  const body = lines.map((one) => `${one}\n`).join("");
  return isTable ? alignTabs(body) : body;
}

/** True when the template looks at a field, e.g. whether sizes have to be asked for. */
export const usesField = (format: string, field: string): boolean =>
  format === "json" || new RegExp(`\\.${field}\\b|json\\s+\\.\\s*[}|)]`).test(format);
