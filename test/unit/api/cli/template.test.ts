import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { asStruct } from "../../../../api/cli/render/inspect-shape.ts";
import { executeTemplate } from "../../../../api/cli/render/template/execute.ts";
import { FUNCTION_NAMES, FUNCTIONS } from "../../../../api/cli/render/template/functions.ts";
import { TemplateError } from "../../../../api/cli/render/template/lex.ts";
import { parseTemplate } from "../../../../api/cli/render/template/parse.ts";

const DATA = {
  Name: "/web",
  N: 3,
  Big: 18446744073709551615n,
  Half: 1.5,
  On: true,
  Env: ["A=b", "C=d"],
  Labels: { b: "2", a: "1" },
  Empty: [],
  Nothing: null,
  Deep: { List: [{ Port: "80" }, { Port: "81" }] },
};
const render = (text: string, data: unknown = DATA, missingKey: "error" | "default" = "error") =>
  executeTemplate(parseTemplate(text, FUNCTION_NAMES), data, { functions: FUNCTIONS, missingKey });

describe("values", () => {
  it.each([
    ["{{.Name}} {{.N}} {{.Half}} {{.On}}", "/web 3 1.5 true"],
    ["{{.Big}}", "18446744073709551615"],
    ["{{.Env}} {{.Labels}} {{.Empty}}", "[A=b C=d] map[a:1 b:2] []"],
    ["{{.Nothing}}", "<no value>"],
    ["{{.Deep.List}}", "[map[Port:80] map[Port:81]]"],
    ["{{(index .Deep.List 1).Port}}", "81"],
    ['{{index .Labels "a"}}{{index .Env 1}}', "1C=d"],
    ['{{index .Deep.List 0 "Port"}}', "80"],
    [
      "{{$}}",
      "map[Big:18446744073709551615 Deep:map[List:[map[Port:80] map[Port:81]]] Empty:[] Env:[A=b C=d] Half:1.5 Labels:map[a:1 b:2] N:3 Name:/web Nothing:<nil> On:true]",
    ],
    [
      "{{1.5}} {{0x10}} {{1e3}} {{'a'}} {{true}} {{`raw\\n`}} {{\"q\\t\\x41\\u00e9\"}}",
      "1.5 16 1000 97 true raw\\n q\tAé",
    ],
  ])("%s", (text, expected) => {
    expect(render(text)).toBe(expected);
  });
});

describe("actions", () => {
  it.each([
    ['{{if eq .Name "/web"}}yes{{else}}no{{end}}', "yes"],
    ["{{if .Empty}}a{{else if .On}}b{{else}}c{{end}}", "b"],
    ["{{with .Labels}}{{.a}}{{end}}{{with .Empty}}x{{else}}none{{end}}", "1none"],
    ["{{range .Env}}<{{.}}>{{end}}", "<A=b><C=d>"],
    ["{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"],
    ["{{range $i, $e := .Env}}{{if $i}}, {{end}}{{$e}}{{end}}", "A=b, C=d"],
    ["{{range .Empty}}x{{else}}empty{{end}}", "empty"],
    ["{{range 3}}{{.}}{{end}}", "012"],
    ['{{range .Env}}{{if eq . "C=d"}}{{break}}{{end}}{{.}}{{end}}', "A=b"],
    ['{{range .Env}}{{if eq . "A=b"}}{{continue}}{{end}}{{.}}{{end}}', "C=d"],
    ['{{$x := .Name}}{{$x}}{{$x = "b"}}{{$x}}', "/webb"],
    ["{{range .Env}}{{$.N}}{{end}}", "33"],
    ['{{define "T"}}<{{.}}>{{end}}{{template "T" .Name}}', "</web>"],
    ['{{block "B" .N}}[{{.}}]{{end}}', "[3]"],
    ["a  {{- .N -}}  b {{- /* nothing */ -}} c", "a3bc"],
    ["{{/* comment */}}x", "x"],
  ])("%s", (text, expected) => {
    expect(render(text)).toBe(expected);
  });
});

describe("functions", () => {
  it.each([
    [
      "{{json .Labels}} {{json .Env}} {{json .Name}} {{json .Nothing}} {{json .Big}}",
      '{"a":"1","b":"2"} ["A=b","C=d"] "/web" null 18446744073709551615',
    ],
    ['{{join .Env ","}} {{upper .Name}} {{lower "AB"}} {{title "ab cd"}}', "A=b,C=d /WEB ab Ab Cd"],
    ['{{split "a,b" ","}} {{len .Env}} {{len .Name}} {{slice .Name 1 3}}', "[a b] 2 4 we"],
    ['{{truncate "abcdef" 3}}|{{pad "x" 2 1}}|', "abc|  x |"],
    ['{{and true 0}} {{or "" "x"}} {{not 1}} {{and}}', "0 x false <no value>"],
    ["{{lt 1 2}} {{le 2 2}} {{gt 1.5 1.0}} {{ge 1 2}} {{ne 1 2}} {{eq .N 1 3}}", "true true true false true true"],
    ['{{print 1 2 "a" "b" 3}}|{{println .N}}|', "1 2ab3|3\n|"],
    ['{{html "<a&b>"}} {{urlquery "a b&c"}} {{js "it\'s"}}', "&lt;a&amp;b&gt; a+b%26c it\\'s"],
    ['{{.Env | len | printf "%03d"}}', "002"],
    [
      '{{printf "%s %d %t %x %q %v %5d|%-5s|%6.2f %c %U %%" .Name 3 true 255 "a" .Env 42 "ab" 3.14159 65 65}}',
      '/web 3 true ff "a" [A=b C=d]    42|ab   |  3.14 A U+0041 %',
    ],
    ['{{printf "%d" "x"}} {{printf "%s"}} {{printf "a" 1}}', "%!d(string=x) %!s(MISSING) a%!(EXTRA int=1)"],
  ])("%s", (text, expected) => {
    expect(render(text)).toBe(expected);
  });
});

describe("mistakes, in text/template's words", () => {
  it.each([
    ["{{.Id", "template: :1: unclosed action"],
    ["{{.Id\n}", "template: :1: unclosed action"],
    ["{{foo .Id}}", 'template: :1: function "foo" not defined'],
    ["{{end}}", "template: :1: unexpected {{end}}"],
    ["{{if}}x{{end}}", "template: :1: missing value for if"],
    ["{{range .Env}}", "template: :1: unexpected EOF"],
    ['{{"a}}', "template: :1: unterminated quoted string"],
    ["{{$x}}", 'template: :1: undefined variable "$x"'],
    ["{{break}}", "template: :1: {{break}} outside {{range}}"],
    ["{{.A}}\n{{.B", "template: :2: unclosed action"],
    ["{{/* x }}", "template: :1: unclosed comment"],
    ["{{(.A}}", "template: :1: unclosed left paren"],
    ["{{.Foo}}", 'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
    ["{{.Deep.Foo.Bar}}", 'template: :1:7: executing "" at <.Deep.Foo.Bar>: map has no entry for key "Foo"'],
    ["{{.Name.Foo}}", 'template: :1:7: executing "" at <.Name.Foo>: can\'t evaluate field Foo in type interface {}'],
    ["{{index .Env 7}}", 'template: :1:2: executing "" at <index .Env 7>: error calling index: index out of range: 7'],
    ["{{nil}}", 'template: :1:2: executing "" at <nil>: nil is not a command'],
    [
      "{{.Name.With.A.Long.Name}}",
      'template: :1:7: executing "" at <.Name.With.A.Long.Na...>: can\'t evaluate field With in type interface {}',
    ],
    ['{{template "x"}}', 'template: : template "x" not defined'],
    ['{{define "T"}}{{template "T"}}{{end}}{{template "T"}}', "template: : exceeded maximum template depth (1000)"],
  ])("%s", (text, message) => {
    expect(() => render(text)).toThrow(new TemplateError(message));
  });

  it("never fail in another way", () => {
    const part = fc.constantFrom(
      "{{",
      "}}",
      ".Env",
      ".",
      "$",
      "$x",
      ":=",
      "if",
      "range",
      "end",
      "else",
      " ",
      "|",
      "(",
      ")",
      '"',
      "len",
      "index",
      "1",
      "x",
      "- ",
      " -",
      ",",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        try {
          render(parts.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("inspected objects look like docker's structs", () => {
  const struct = (text: string) =>
    render(
      text,
      asStruct({
        Id: "abc",
        State: { Running: true, Pid: 7 },
        Config: { Env: null, Labels: null, Entrypoint: null },
        HostConfig: {
          OomKillDisable: null,
          RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
          LogConfig: { Type: "x", Config: null },
        },
      }),
      "default",
    );
  it.each([
    ["{{.Config.Env}} {{.Config.Labels}} {{.Config.Entrypoint}}", "[] map[] []"],
    [
      "{{.HostConfig.OomKillDisable}} {{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig.Config}}",
      "<nil> {no 0} map[]",
    ],
    ["{{if .State.Health}}x{{else}}none{{end}}", "none"],
    ["{{.Config.Labels.foo}} {{.ID}}", "<no value> abc"],
    ["{{json .State}} {{json .Config.Env}}", '{"Running":true,"Pid":7} null'],
  ])("%s", (text, expected) => {
    expect(struct(text)).toBe(expected);
  });
});
