/** `--format` of a single value: version, info, events, inspect. */
import { StatusError } from "../errors.ts";
import { executeTemplate } from "./template/execute.ts";
import { FUNCTION_NAMES, FUNCTIONS } from "./template/functions.ts";
import { TemplateError } from "./template/lex.ts";
import { parseTemplate, type Template } from "./template/parse.ts";

/** Exits 64 as docker does: the template does not parse. */
export function compileValueFormat(format: string, status = 64): Template {
  const text = format === "json" ? "{{json .}}" : format;
  try {
    return parseTemplate(text, FUNCTION_NAMES);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new StatusError(status, `template parsing error: ${error.message}`, { cause: error });
  }
}

/** Throws TemplateError. */
export const renderValue = (template: Template, value: unknown, missingKey: "error" | "default" = "error"): string =>
  executeTemplate(template, value, { functions: FUNCTIONS, missingKey });

/** renderValue with a StatusError instead. */
export function showValue(template: Template, value: unknown, prefix = ""): string {
  try {
    return renderValue(template, value);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new StatusError(1, `${prefix}${error.message}`, { cause: error });
  }
}
