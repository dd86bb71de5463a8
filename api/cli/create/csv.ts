/** One CSV record as Go's encoding/csv reads it: quotes around a field, doubled quotes inside. */
import { FlagValueError } from "../parse/flag.ts";

export function csvFields(text: string): string[] {
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    if (rest.startsWith('"')) {
      const match = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
      if (match === null)
        throw new FlagValueError(
          `parse error on line 1, column ${text.length + 1}: extraneous or missing " in quoted-field`,
        );
      fields.push((match[1] ?? "").replaceAll('""', '"'));
      rest = rest.slice(match[0].length);
      if (match[2] === "") return fields;
      continue;
    }
    const comma = rest.indexOf(",");
    const field = comma < 0 ? rest : rest.slice(0, comma);
    const quote = field.indexOf('"');
    if (quote >= 0) {
      throw new FlagValueError(
        `parse error on line 1, column ${text.length - rest.length + quote + 1}: bare " in non-quoted-field`,
      );
    }
    fields.push(field);
    if (comma < 0) return fields;
    rest = rest.slice(comma + 1);
  }
}

/** "k=v" → [k, v]; v is null without "=". */
export function cut(text: string, separator: string): readonly [string, string | null] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + separator.length)];
}
