/** Text of a template → tokens. Positions are byte-free character offsets from the start, used in error messages. */

export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

export type TokenKind =
  | "text"
  | "open"
  | "close"
  | "field"
  | "variable"
  | "word"
  | "number"
  | "string"
  | "space"
  | "symbol"
  | "end";
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
  readonly line: number;
}

const SPACE = /[ \t\r\n]+/y;
const RULES: readonly (readonly [TokenKind, RegExp])[] = [
  ["space", SPACE],
  [
    "number",
    /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![\w.])/y,
  ],
  ["field", /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ["variable", /\$[\p{L}\p{N}_]*/uy],
  ["word", /[\p{L}_][\p{L}\p{N}_]*/uy],
  ["string", /"(?:[^"\\\n]|\\.)*"/y],
  ["string", /`[^`]*`/y],
  ["string", /'(?:[^'\\\n]|\\.[^']*)'/y],
  ["symbol", /:=|[=|(),.]/y],
];

const TERMINATED = new Set(["space", "symbol", "close"]);

class Lexer {
  readonly source: string;
  readonly tokens: Token[] = [];
  at = 0;

  constructor(source: string) {
    this.source = source;
  }

  lineAt(at: number): number {
    return this.source.slice(0, at).split("\n").length;
  }

  fail(message: string, at = this.at): never {
    throw new TemplateError(`template: :${this.lineAt(at)}: ${message}`);
  }

  add(kind: TokenKind, text: string, at: number): void {
    this.tokens.push({ kind, text, at, line: this.lineAt(at) });
  }

  /** Plain text up to the next action; returns false at the end. */
  text(): boolean {
    const open = this.source.indexOf("{{", this.at);
    const end = open < 0 ? this.source.length : open;
    let text = this.source.slice(this.at, end);
    const trims = open >= 0 && /^\{\{-[ \t\r\n]/.test(this.source.slice(open, open + 4));
    if (trims) text = text.replace(/[ \t\r\n]+$/, "");
    if (text !== "") this.add("text", text, this.at);
    if (open < 0) return false;
    this.at = open + 2 + (trims ? 1 : 0);
    return true;
  }

  /** Skips white space after "-}}". */
  closed(trim: boolean): void {
    if (!trim) return;
    SPACE.lastIndex = this.at;
    if (SPACE.test(this.source)) this.at = SPACE.lastIndex;
  }

  comment(): boolean {
    const match = /^[ \t\r\n]*\/\*/.exec(this.source.slice(this.at));
    if (match === null) return false;
    const end = this.source.indexOf("*/", this.at);
    if (end < 0) this.fail("unclosed comment");
    const tail = /^([ \t\r\n]+-)?\}\}/.exec(this.source.slice(end + 2));
    if (tail === null) this.fail("comment ends before closing delimiter");
    this.at = end + 2 + tail[0].length;
    this.closed(tail[1] !== undefined);
    return true;
  }

  one(): void {
    for (const [kind, rule] of RULES) {
      rule.lastIndex = this.at;
      const match = rule.exec(this.source);
      if (match === null) continue;
      this.add(kind, match[0], this.at);
      this.at += match[0].length;
      const next = this.source.slice(this.at, this.at + 2);
      const isName = kind === "field" || kind === "variable" || kind === "word";
      if (isName && next !== "}}" && next !== "" && !/^[ \t\r\n.,|:=()]/.test(next)) {
        this.fail(
          `bad character U+${(next.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} '${[...next][0]}'`,
        );
      }
      return;
    }
    const character = [...this.source.slice(this.at)][0] ?? "";
    if (character === '"') this.fail("unterminated quoted string");
    if (character === "`") this.fail("unterminated raw quoted string");
    if (character === "'") this.fail("unterminated character constant");
    if (/[-+\d]/.test(character)) {
      const bad = /^[-+]?[\w.]*/.exec(this.source.slice(this.at))?.[0] ?? "";
      this.fail(`bad number syntax: ${JSON.stringify(bad)}`);
    }
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    this.fail(`unrecognized character in action: U+${code} '${character}'`);
  }

  action(): void {
    if (this.comment()) return;
    this.add("open", "{{", this.at - 2);
    for (;;) {
      const rest = this.source.slice(this.at, this.at + 64);
      const close = /^([ \t\r\n]+-)?\}\}/.exec(rest);
      if (close !== null) {
        this.add("close", "}}", this.at);
        this.at += close[0].length;
        this.closed(close[1] !== undefined);
        return;
      }
      if (rest === "" || (rest.startsWith("\n") && !this.source.includes("}}", this.at))) this.fail("unclosed action");
      this.one();
    }
  }
}

/** Throws TemplateError with text/template's words. */
export function lex(source: string): readonly Token[] {
  const lexer = new Lexer(source);
  while (lexer.text()) lexer.action();
  lexer.add("end", "", source.length);
  return lexer.tokens;
}

export const separates = (token: Token | undefined): boolean => token === undefined || TERMINATED.has(token.kind);

const ESCAPES: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** strconv.Unquote for a string token. */
export function unquote(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1).replaceAll("\r", "");
  return text
    .slice(1, -1)
    .replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/g, (_whole, code: string) => {
      if (/^[xuU]/.test(code) && code.length > 1) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
      if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
      return ESCAPES[code] ?? code;
    });
}
