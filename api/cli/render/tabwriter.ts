/** Elastic tab stops as Go's text/tabwriter does them: a cell is text ended by a tab, a column a run of such cells. */

export interface Layout {
  readonly minWidth: number;
  readonly padding: number;
}

/** What docker's formatter uses. */
export const TABLE: Layout = { minWidth: 10, padding: 3 };

const widthOf = (cell: string): number => [...cell].length;

function formatBlock(
  lines: readonly string[][],
  from: number,
  to: number,
  widths: number[],
  layout: Layout,
  out: string[],
): void {
  const column = widths.length;
  let start = from;
  const emit = (end: number) => {
    for (; start < end; start++) {
      const cells = lines[start] ?? [];
      const last = cells.length - 1;
      out[start] = cells
        .map((cell, index) => (index < last ? cell + " ".repeat((widths[index] ?? 0) - widthOf(cell)) : cell))
        .join("");
    }
  };
  for (let at = from; at < to; at++) {
    if (column >= (lines[at]?.length ?? 0) - 1) continue;
    emit(at);
    let width = layout.minWidth;
    let end = at;
    for (; end < to && column < (lines[end]?.length ?? 0) - 1; end++) {
      width = Math.max(width, widthOf(lines[end]?.[column] ?? "") + layout.padding);
    }
    formatBlock(lines, at, end, [...widths, width], layout, out);
    start = end;
    at = end - 1;
  }
  emit(to);
}

/** `text` with tabs → the same text with spaces. */
export function alignTabs(text: string, layout: Layout = TABLE): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const out: string[] = [];
  formatBlock(lines, 0, lines.length, [], layout, out);
  return out.join("\n");
}
