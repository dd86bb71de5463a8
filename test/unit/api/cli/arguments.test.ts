import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { FlagError, parseArguments } from "../../../../api/cli/parse/arguments.ts";
import { bool, filter, int, list, map, string, uint16 } from "../../../../api/cli/parse/flag.ts";
import { bytes, duration } from "../../../../api/cli/parse/quantities.ts";

const TABLE = {
  detach: bool("", { short: "d" }),
  interactive: bool("", { short: "i" }),
  tty: bool("", { short: "t" }),
  quiet: bool("", { short: "q" }),
  rm: bool(""),
  "sig-proxy": bool("", { initial: true }),
  volume: list("", { short: "v" }),
  env: list("", { short: "e" }),
  name: string(""),
  memory: bytes("", { short: "m" }),
  cpus: int(""),
  weight: uint16(""),
  wait: duration(""),
  sysctl: map(""),
  filter: filter("", { short: "f" }),
};
const parse = (argv: readonly string[], interspersed = false) => parseArguments(TABLE, argv, interspersed);
const flags = (...argv: string[]) => {
  const { flags: values, changed } = parse(argv);
  return Object.fromEntries([...changed].map((name) => [name, values[name]]));
};

describe("pflag's grammar", () => {
  it.each<[string[], object]>([
    [["--rm"], { rm: true }],
    [["--rm=false"], { rm: false }],
    [["--rm=T"], { rm: true }],
    [["--sig-proxy=0"], { "sig-proxy": false }],
    [["-dit"], { detach: true, interactive: true, tty: true }],
    [["-d=false"], { detach: false }],
    [["-dq=true"], { detach: true, quiet: true }],
    [["-v/a:/b"], { volume: ["/a:/b"] }],
    [["-v=/a:/b"], { volume: ["/a:/b"] }],
    [["-dv", "/a:/b"], { detach: true, volume: ["/a:/b"] }],
    [["-ditv/a:/b"], { detach: true, interactive: true, tty: true, volume: ["/a:/b"] }],
    [["-e", "--weird"], { env: ["--weird"] }],
    [["--env", "--"], { env: ["--"] }],
    [["--env=A=b=c"], { env: ["A=b=c"] }],
    [["--name="], { name: "" }],
    [["-e", "A=1", "-e", "B=2", "--env=C"], { env: ["A=1", "B=2", "C"] }],
    [["--name", "a", "--name", "b"], { name: "b" }],
    [["-m", "64m"], { memory: 67108864 }],
    [["--cpus", "0x10"], { cpus: 16 }],
    [["--wait=1m30s"], { wait: 90e9 }],
    [["--sysctl", "a=b", "--sysctl", "c=d=e"], { sysctl: { a: "b", c: "d=e" } }],
    [
      ["-f", "label=a=b", "--filter", "LABEL=c", "-f", "label!=x"],
      { filter: { label: ["a=b", "c"], "label!": ["x"] } },
    ],
  ])("%j", (argv, expected) => {
    expect(flags(...argv)).toEqual(expected);
  });

  it("stops at the image: what follows belongs to the program", () => {
    const { args, changed } = parse(["-d", "busybox", "ls", "-la", "--rm", "--", "-x"]);
    expect(args).toEqual(["busybox", "ls", "-la", "--rm", "--", "-x"]);
    expect([...changed]).toEqual(["detach"]);
  });

  it("goes on after arguments elsewhere, until --", () => {
    const { args, changed } = parse(["a", "--rm", "b", "--", "-d"], true);
    expect(args).toEqual(["a", "b", "-d"]);
    expect([...changed]).toEqual(["rm"]);
  });

  it("takes - as an argument", () => {
    expect(parse(["-", "x"], true).args).toEqual(["-", "x"]);
  });

  it.each<[string[], string]>([
    [["--foo"], "unknown flag: --foo"],
    [["--foo=x"], "unknown flag: --foo"],
    [["-z"], "unknown shorthand flag: 'z' in -z"],
    [["-itz"], "unknown shorthand flag: 'z' in -z"],
    [["-zit"], "unknown shorthand flag: 'z' in -zit"],
    [["--name"], "flag needs an argument: --name"],
    [["-e"], "flag needs an argument: 'e' in -e"],
    [["-de"], "flag needs an argument: 'e' in -e"],
    [["--=x"], "bad flag syntax: --=x"],
    [["---x"], "bad flag syntax: ---x"],
    [["--rm=maybe"], 'invalid argument "maybe" for "--rm" flag: strconv.ParseBool: parsing "maybe": invalid syntax'],
    [["-dq=x"], 'invalid argument "x" for "-q, --quiet" flag: strconv.ParseBool: parsing "x": invalid syntax'],
    [["--cpus=x"], 'invalid argument "x" for "--cpus" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [
      ["--cpus=99999999999999999999"],
      'invalid argument "99999999999999999999" for "--cpus" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
    [["--weight=-1"], 'invalid argument "-1" for "--weight" flag: strconv.ParseUint: parsing "-1": invalid syntax'],
    [
      ["--weight=65536"],
      'invalid argument "65536" for "--weight" flag: strconv.ParseUint: parsing "65536": value out of range',
    ],
    [["-m", "5z"], `invalid argument "5z" for "-m, --memory" flag: invalid suffix: 'z'`],
    [["--wait", "3"], 'invalid argument "3" for "--wait" flag: time: missing unit in duration "3"'],
    [["-f", "x"], 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)'],
  ])("refuses %j in docker's words", (argv, message) => {
    expect(() => parse(argv)).toThrow(new FlagError(message));
  });

  it.each([[["--help"]], [["-h"]], [["-dh"]], [["--rm", "--help", "--nonsense"]]])("asks for help with %j", (argv) => {
    expect(parse(argv).help).toBe(true);
  });

  it("does not take names of Object's own for flags", () => {
    expect(() => parse(["--constructor"])).toThrow("unknown flag: --constructor");
    expect(() => parse(["--__proto__=1"])).toThrow("unknown flag: --__proto__");
  });
});

describe("properties", () => {
  const value = fc.string({ maxLength: 12 });
  it("a value comes out as it went in, whichever way it was attached", () => {
    fc.assert(
      fc.property(value, (text) => {
        expect(flags("--name", text)).toEqual({ name: text });
        expect(flags(`--name=${text}`)).toEqual({ name: text });
        expect(flags("-e", text)).toEqual({ env: [text] });
        // "-e=x" drops the "=", as pflag does.
        if (text !== "" && !text.startsWith("=")) expect(flags(`-e${text}`)).toEqual({ env: [text] });
      }),
    );
  });

  it("any order of switches in a cluster is the same", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(["d", "i", "t", "q"], { minLength: 1 }), (letters) => {
        const apart = flags(...letters.map((letter) => `-${letter}`));
        expect(flags(`-${letters.join("")}`)).toEqual(apart);
      }),
    );
  });

  it("either parses or throws FlagError, whatever it is given", () => {
    const word = fc.oneof(
      value,
      value.map((text) => `-${text}`),
      value.map((text) => `--${text}`),
      fc.constantFrom("--", "-", "--name", "-e"),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.boolean(), (argv, interspersed) => {
        try {
          parse(argv, interspersed);
        } catch (error) {
          expect(error).toBeInstanceOf(FlagError);
        }
      }),
    );
  });
});
