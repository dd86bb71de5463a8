/** Runs a parsed template. Every error carries the place and the source text, in text/template's form. */
import { TemplateError } from "./lex.ts";
import type { BranchNode, Call, Node, Pipe, Template, Term } from "./parse.ts";
import { GoNil, GoObject, GoStruct, isMap, isNil, isTrue, show, sortedKeys, typeName } from "./values.ts";

export type TemplateFunction = (...args: never[]) => unknown;
export interface Options {
  readonly functions: Readonly<Record<string, TemplateFunction>>;
  /** What a key that a map lacks gives: an error (docker's fallback on raw JSON), or "no value". */
  readonly missingKey: "error" | "default";
}

class Break extends Error {}
class Continue extends Error {}
const NOTHING = Symbol("no final argument");
/** Depth of templates that call each other. */
const MAX_DEPTH = 1000;

type Scope = { readonly name: string; value: unknown }[];
type Place = Pick<Term, "line" | "column" | "text">;

class Execution {
  readonly #template: Template;
  readonly #options: Options;
  output = "";
  #scope: Scope;
  #depth = 0;

  constructor(template: Template, options: Options, data: unknown) {
    this.#template = template;
    this.#options = options;
    this.#scope = [{ name: "$", value: data }];
  }

  #fail(place: Place, message: string): never {
    const shown = place.text.length > 20 ? `${place.text.slice(0, 20)}...` : place.text;
    throw new TemplateError(`template: :${place.line}:${place.column}: executing "" at <${shown}>: ${message}`);
  }

  run(nodes: readonly Node[], dot: unknown): void {
    for (const node of nodes) {
      switch (node.kind) {
        case "text":
          this.output += node.text;
          break;
        case "action": {
          const value = this.#pipe(node.pipe, dot);
          if (node.pipe.declares.length === 0) this.output += show(value);
          break;
        }
        case "if":
        case "with": {
          const { pipe } = node;
          this.#scoped(() => {
            const value = this.#pipe(pipe, dot);
            const chosen = isTrue(value);
            this.run(chosen ? node.body : node.otherwise, node.kind === "with" && chosen ? value : dot);
          });
          break;
        }
        case "range":
          this.#scoped(() => this.#range(node, dot));
          break;
        case "break":
          throw new Break();
        case "continue":
          throw new Continue();
        case "template":
          this.#include(node, dot);
      }
    }
  }

  #scoped(work: () => void): void {
    const depth = this.#scope.length;
    try {
      work();
    } finally {
      this.#scope.length = depth;
    }
  }

  #include(node: Extract<Node, { kind: "template" }>, dot: unknown): void {
    const body = this.#template.named.get(node.name);
    if (body === undefined) throw new TemplateError(`template: : template ${JSON.stringify(node.name)} not defined`);
    if (++this.#depth > MAX_DEPTH)
      throw new TemplateError(`template: : exceeded maximum template depth (${MAX_DEPTH})`);
    const value = node.pipe === null ? undefined : this.#pipe(node.pipe, dot);
    const outer = this.#scope;
    this.#scope = [{ name: "$", value }];
    this.run(body, value);
    this.#scope = outer;
    this.#depth--;
  }

  #entries(value: unknown, place: Place): (readonly [unknown, unknown])[] {
    if (isNil(value)) return [];
    if (Array.isArray(value)) return value.map((one, index) => [index, one] as const);
    if (isMap(value)) return sortedKeys(value).map((key) => [key, value[key]] as const);
    if (typeof value === "number" && Number.isInteger(value) && value >= 0) {
      return Array.from({ length: value }, (_unused, index) => [index, index] as const);
    }
    return this.#fail(place, `range can't iterate over ${show(value)}`);
  }

  #range(node: BranchNode, dot: unknown): void {
    const { pipe } = node;
    const value = this.#pipe({ ...pipe, declares: [] }, dot);
    const entries = this.#entries(value, pipe.calls[0] ?? pipe);
    if (entries.length === 0) {
      this.run(node.otherwise, dot);
      return;
    }
    for (const [key, one] of entries) {
      const depth = this.#scope.length;
      const [first, second] = pipe.declares;
      if (first !== undefined) this.#bind(pipe, first, second === undefined ? one : key);
      if (second !== undefined) this.#bind(pipe, second, one);
      try {
        this.run(node.body, one);
      } catch (error) {
        if (error instanceof Break) return;
        if (!(error instanceof Continue)) throw error;
      } finally {
        this.#scope.length = depth;
      }
    }
  }

  #bind(pipe: Pipe, name: string, value: unknown): void {
    if (!pipe.assigns) {
      this.#scope.push({ name, value });
      return;
    }
    const variable = this.#scope.findLast((one) => one.name === name);
    if (variable !== undefined) variable.value = value;
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    let value: unknown = NOTHING;
    for (const call of pipe.calls) value = this.#call(call, dot, value);
    for (const name of pipe.declares) this.#bind(pipe, name, value);
    return value;
  }

  #call(call: Call, dot: unknown, final: unknown): unknown {
    const [first, ...rest] = call.terms as readonly [Term, ...Term[]];
    if (first.kind === "function") return this.#function(first, rest, dot, final, call);
    if (first.kind === "field") return this.#fields(first, dot, first.names, rest, dot, final);
    if (first.kind === "chain") return this.#fields(first, this.#term(first.base, dot), first.names, rest, dot, final);
    if (first.kind === "variable" && first.names.length > 0) {
      return this.#fields(first, this.#variable(first.name), first.names, rest, dot, final);
    }
    if (rest.length > 0 || final !== NOTHING) this.#fail(first, `can't give argument to non-function ${first.text}`);
    if (first.kind === "nil") this.#fail(first, "nil is not a command");
    return this.#term(first, dot);
  }

  #arguments(rest: readonly Term[], dot: unknown, final: unknown): unknown[] {
    const values = rest.map((term) => this.#term(term, dot));
    return final === NOTHING ? values : [...values, final];
  }

  #function(
    term: Extract<Term, { kind: "function" }>,
    rest: readonly Term[],
    dot: unknown,
    final: unknown,
    place: Place,
  ): unknown {
    // "and" and "or" do not evaluate what cannot matter.
    if (term.name === "and" || term.name === "or") {
      let value: unknown;
      for (const one of rest) {
        value = this.#term(one, dot);
        if (isTrue(value) === (term.name === "or")) return value;
      }
      return final === NOTHING ? value : final;
    }
    const call = this.#options.functions[term.name];
    if (call === undefined) return this.#fail(term, `${JSON.stringify(term.name)} is not a defined function`);
    const values = this.#arguments(rest, dot, final);
    if (call.length > values.length) {
      this.#fail(place, `wrong number of args for ${term.name}: want at least ${call.length} got ${values.length}`);
    }
    try {
      return call(...(values as never[]));
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      return this.#fail(
        { ...term, text: place.text },
        `error calling ${term.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #variable(name: string): unknown {
    return this.#scope.findLast((one) => one.name === name)?.value;
  }

  #term(term: Term, dot: unknown): unknown {
    switch (term.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "literal":
        return term.value;
      case "variable":
        return this.#fields(term, this.#variable(term.name), term.names, [], dot, NOTHING);
      case "field":
        return this.#fields(term, dot, term.names, [], dot, NOTHING);
      case "chain":
        return this.#fields(term, this.#term(term.base, dot), term.names, [], dot, NOTHING);
      case "pipe":
        return this.#pipe(term.pipe, dot);
      case "function":
        return this.#function(term, [], dot, NOTHING, term);
    }
  }

  /** Only the last name may take arguments. */
  #fields(
    place: Place,
    start: unknown,
    names: readonly string[],
    rest: readonly Term[],
    dot: unknown,
    final: unknown,
  ): unknown {
    let value = start;
    names.forEach((name, index) => {
      const last = index === names.length - 1;
      value = this.#field(place, value, name, last ? this.#arguments(rest, dot, final) : []);
    });
    return value;
  }

  #field(place: Place, value: unknown, name: string, args: readonly unknown[]): unknown {
    if (value instanceof GoObject) return this.#method(place, value, name, args);
    if (args.length > 0) this.#fail(place, `${name} has arguments but cannot be invoked as function`);
    if (value instanceof GoStruct) {
      if (Object.hasOwn(value.fields, name)) return value.fields[name];
      if (Object.hasOwn(value.absent, name)) return value.absent[name];
      return this.#fail(place, `can't evaluate field ${name} in type ${value.typeName}`);
    }
    if (value instanceof GoNil && value.kind === "map") return undefined;
    if (isMap(value)) {
      if (Object.hasOwn(value, name)) return value[name];
      if (this.#options.missingKey === "error") this.#fail(place, `map has no entry for key ${JSON.stringify(name)}`);
      return undefined;
    }
    if (isNil(value)) return this.#fail(place, `nil pointer evaluating interface {}.${name}`);
    return this.#fail(place, `can't evaluate field ${name} in type interface {}`);
  }

  #method(place: Place, value: GoObject, name: string, args: readonly unknown[]): unknown {
    const method = Object.hasOwn(value.methods, name) ? value.methods[name] : undefined;
    if (method === undefined) return this.#fail(place, `can't evaluate field ${name} in type ${value.typeName}`);
    if (method.length !== args.length) {
      this.#fail(place, `wrong number of args for ${name}: want ${method.length} got ${args.length}`);
    }
    const bad = args.find((one) => typeof one !== "string");
    if (bad !== undefined) this.#fail(place, `wrong type for value; expected string; got ${typeName(bad)}`);
    return method(...(args as never[]));
  }
}

/** Throws TemplateError: 'template: :1:2: executing "" at <.Foo>: ...'. */
export function executeTemplate(template: Template, data: unknown, options: Options): string {
  const execution = new Execution(template, options, data);
  execution.run(template.root, data);
  return execution.output;
}
