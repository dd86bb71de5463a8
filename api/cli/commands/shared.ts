/** Small things several commands need. */
import type { Context } from "../context.ts";

/** "/web" → "web". */
export const withoutSlash = (name: string): string => name.replace(/^\//, "");

/** Asks on stderr; anything but y or yes is no. */
export async function confirm(context: Context, question: string): Promise<boolean> {
  await context.stderr.write(`${question} [y/N] `);
  let typed = "";
  await new Promise<void>((resolve) => {
    const stop = context.stdin.open({
      data: (chunk) => {
        typed += chunk.toString("utf8");
        if (typed.includes("\n")) finish();
        return undefined;
      },
      end: () => finish(),
    });
    const finish = () => {
      stop();
      resolve();
    };
  });
  return /^y(es)?$/i.test(typed.split("\n")[0]?.trim() ?? "");
}

export const FORMAT_USAGE = `Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template`;
export const VALUE_FORMAT_USAGE = `Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template`;
