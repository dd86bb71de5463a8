/** Tokens → tree, with Go's text/template grammar. */
import { lex, TemplateError, type Token, unquote } from "./lex.ts";

interface At {
  /** Column in its line, as Go's messages give it. */
  readonly line: number;
  readonly column: number;
  /** Source form, for messages. */
  readonly text: string;
}
export type Term = At &
  (
    | { readonly kind: "dot" }
    | { readonly kind: "nil" }
    | { readonly kind: "literal"; readonly value: unknown }
    | { readonly kind: "field"; readonly names: readonly string[] }
    | { readonly kind: "variable"; readonly name: string; readonly names: readonly string[] }
    | { readonly kind: "function"; readonly name: string }
    | { readonly kind: "pipe"; readonly pipe: Pipe }
    | { readonly kind: "chain"; readonly base: Term; readonly names: readonly string[] }
  );
export interface Call extends At {
  readonly terms: readonly Term[];
}
export interface Pipe extends At {
  readonly declares: readonly string[];
  readonly assigns: boolean;
  readonly calls: readonly Call[];
}
export type Branch = "if" | "with" | "range";
export interface BranchNode {
  readonly kind: Branch;
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}
export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | BranchNode
  | { readonly kind: "break" | "continue" }
  | { readonly kind: "template"; readonly name: string; readonly pipe: Pipe | null };
export interface Template {
  readonly root: readonly Node[];
  readonly named: ReadonlyMap<string, readonly Node[]>;
}

type Ender = "end" | "else";
const KEYWORDS = new Set(["if", "with", "range", "else", "end", "define", "template", "block", "break", "continue"]);

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #functions: ReadonlySet<string>;
  readonly #named = new Map<string, readonly Node[]>();
  #next = 0;
  #variables: string[] = ["$"];
  #loops = 0;

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source;
    this.#tokens = lex(source);
    this.#functions = functions;
  }

  parse(): Template {
    const { nodes, ender, token } = this.#list();
    if (ender !== null) this.#fail(`unexpected {{${ender}}}`, token);
    return { root: nodes, named: this.#named };
  }

  #fail(message: string, token = this.#peek()): never {
    throw new TemplateError(`template: :${token.line}: ${message}`);
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #skipSpace(): Token {
    while (this.#peek().kind === "space") this.#next++;
    return this.#peek();
  }

  #at(token: Token, text: string): At {
    const start = this.#source.lastIndexOf("\n", token.at - 1) + 1;
    return { line: token.line, column: token.at - start, text };
  }

  /** Source between two tokens, with the blanks of Go's own printing. */
  #textFrom(start: Token): string {
    return this.#source.slice(start.at, this.#peek().at).trim();
  }

  #list(): { nodes: readonly Node[]; ender: Ender | null; token: Token } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#take();
      if (token.kind === "end") return { nodes, ender: null, token };
      if (token.kind === "text") {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      const word = this.#skipSpace();
      if (word.kind === "word" && (word.text === "end" || word.text === "else")) {
        this.#next++;
        return { nodes, ender: word.text, token: word };
      }
      const node = this.#action(word);
      if (node !== null) nodes.push(node);
    }
  }

  #close(context: string): void {
    const token = this.#skipSpace();
    if (token.kind !== "close") this.#unexpected(token, context);
    this.#next++;
  }

  #unexpected(token: Token, context: string): never {
    if (token.kind === "end") this.#fail("unclosed action", token);
    this.#fail(`unexpected ${token.kind === "close" ? '"}}"' : `<${token.text}>`} in ${context}`, token);
  }

  #action(word: Token): Node | null {
    const isWord = word.kind === "word" && KEYWORDS.has(word.text);
    if (!isWord) {
      const pipe = this.#pipe("command");
      this.#close("command");
      return { kind: "action", pipe };
    }
    this.#next++;
    switch (word.text) {
      case "if":
      case "with":
      case "range":
        return this.#branch(word.text);
      case "break":
      case "continue":
        if (this.#loops === 0) this.#fail(`{{${word.text}}} outside {{range}}`, word);
        this.#close(word.text);
        return { kind: word.text };
      case "define":
        this.#define();
        return null;
      default:
        return this.#include(word.text === "block");
    }
  }

  #name(context: string): string {
    const token = this.#skipSpace();
    if (token.kind !== "string") this.#unexpected(token, context);
    this.#next++;
    return unquote(token.text);
  }

  #define(): void {
    const name = this.#name("define clause");
    this.#close("define clause");
    this.#named.set(
      name,
      this.#scoped(() => this.#body()),
    );
  }

  #include(isBlock: boolean): Node {
    const name = this.#name(isBlock ? "block clause" : "template clause");
    const pipe = this.#skipSpace().kind === "close" ? null : this.#pipe("template clause");
    this.#close("template clause");
    if (isBlock)
      this.#named.set(
        name,
        this.#scoped(() => this.#body()),
      );
    return { kind: "template", name, pipe };
  }

  #scoped<T>(read: () => T): T {
    const before = this.#variables;
    this.#variables = [...before];
    try {
      return read();
    } finally {
      this.#variables = before;
    }
  }

  #body(): readonly Node[] {
    const { nodes, ender, token } = this.#list();
    if (ender === null) this.#fail("unexpected EOF", token);
    if (ender === "else") this.#fail("unexpected {{else}}", token);
    this.#close("end");
    return nodes;
  }

  #branch(kind: Branch): Node {
    return this.#scoped(() => {
      const pipe = this.#pipe(kind);
      this.#close(kind);
      if (kind === "range") this.#loops++;
      const { nodes: body, ender, token } = this.#list();
      if (kind === "range") this.#loops--;
      if (ender === null) this.#fail("unexpected EOF", token);
      if (ender === "end") {
        this.#close("end");
        return { kind, pipe, body, otherwise: [] };
      }
      const again = this.#skipSpace();
      if (again.kind === "word" && again.text === kind && kind !== "range") {
        this.#next++;
        return { kind, pipe, body, otherwise: [this.#branch(kind)] };
      }
      this.#close("else");
      return { kind, pipe, body, otherwise: this.#body() };
    });
  }

  #declarations(isRange: boolean): { names: string[]; assigns: boolean } {
    const from = this.#next;
    const names: string[] = [];
    for (;;) {
      const variable = this.#skipSpace();
      if (variable.kind !== "variable") break;
      this.#next++;
      names.push(variable.text);
      const after = this.#skipSpace();
      if (after.text === ":=" || after.text === "=") {
        this.#next++;
        if (after.text === ":=") this.#variables.push(...names);
        return { names, assigns: after.text === "=" };
      }
      if (after.text !== "," || !isRange || names.length > 1) break;
      this.#next++;
    }
    this.#next = from;
    return { names: [], assigns: false };
  }

  #pipe(context: string): Pipe {
    const start = this.#skipSpace();
    const { names, assigns } = this.#declarations(context === "range");
    const calls: Call[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.kind === "close" || token.text === ")") {
        if (calls.length === 0) this.#fail(`missing value for ${context}`, token);
        break;
      }
      calls.push(this.#call());
      if (this.#skipSpace().text !== "|") break;
      this.#next++;
      const after = this.#skipSpace();
      if (after.kind === "close") this.#fail(`missing value for ${context}`, after);
    }
    for (const call of calls.slice(1)) {
      const first = call.terms[0];
      if (first !== undefined && (first.kind === "literal" || first.kind === "dot" || first.kind === "nil")) {
        this.#fail(`non executable command in pipeline stage ${calls.indexOf(call) + 1}`, start);
      }
    }
    return { ...this.#at(start, this.#textFrom(start)), declares: names, assigns, calls };
  }

  #call(): Call {
    const start = this.#skipSpace();
    const terms: Term[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.kind === "close" || token.kind === "end" || token.text === "|" || token.text === ")") break;
      terms.push(this.#operand());
      const after = this.#peek();
      if (after.kind !== "space" && after.kind !== "close" && after.text !== "|" && after.text !== ")") {
        this.#unexpected(after, "operand");
      }
    }
    if (terms.length === 0) this.#fail("empty command");
    return { ...this.#at(start, this.#textFrom(start)), terms };
  }

  #operand(): Term {
    const start = this.#peek();
    const term = this.#term();
    const second = this.#peek();
    const names: string[] = [];
    while (this.#peek().kind === "field") names.push(this.#take().text.slice(1));
    if (names.length === 0) return term;
    // Go gives a chain the position of its second part.
    const at = this.#at(second, this.#textFrom(start));
    if (term.kind === "field") return { ...at, kind: "field", names: [...term.names, ...names] };
    if (term.kind === "variable") return { ...at, kind: "variable", name: term.name, names };
    if (term.kind === "literal" || term.kind === "nil")
      this.#fail(`unexpected . after term ${JSON.stringify(term.text)}`, second);
    return { ...at, kind: "chain", base: term, names };
  }

  #term(): Term {
    const token = this.#take();
    const at = this.#at(token, token.text);
    switch (token.kind) {
      case "field":
        return { ...at, kind: "field", names: [token.text.slice(1)] };
      case "variable":
        if (!this.#variables.includes(token.text))
          this.#fail(`undefined variable ${JSON.stringify(token.text)}`, token);
        return { ...at, kind: "variable", name: token.text, names: [] };
      case "number":
        return { ...at, kind: "literal", value: Number(token.text.replaceAll("_", "").replace(/^\+/, "")) };
      case "string":
        if (token.text.startsWith("'"))
          return { ...at, kind: "literal", value: unquote(token.text).codePointAt(0) ?? 0 };
        return { ...at, kind: "literal", value: unquote(token.text) };
      case "word":
        return this.#wordTerm(token, at);
      default:
        if (token.text === ".") return { ...at, kind: "dot" };
        if (token.text !== "(") this.#unexpected(token, "operand");
    }
    const pipe = this.#pipe("parenthesized pipeline");
    const close = this.#skipSpace();
    if (close.text !== ")")
      this.#fail(
        close.kind === "close" || close.kind === "end"
          ? "unclosed left paren"
          : `unexpected <${close.text}> in parenthesized pipeline`,
      );
    this.#next++;
    return { ...at, text: this.#textFrom(token), kind: "pipe", pipe };
  }

  #wordTerm(token: Token, at: At): Term {
    if (token.text === "true" || token.text === "false")
      return { ...at, kind: "literal", value: token.text === "true" };
    if (token.text === "nil") return { ...at, kind: "nil" };
    if (!this.#functions.has(token.text)) this.#fail(`function ${JSON.stringify(token.text)} not defined`, token);
    return { ...at, kind: "function", name: token.text };
  }
}

/** Throws TemplateError: "template: :1: unclosed action". */
export const parseTemplate = (source: string, functions: ReadonlySet<string>): Template =>
  new Parser(source, functions).parse();
