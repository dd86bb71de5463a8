import fc from "fast-check";
import { Type } from "typebox";
import { expect, test } from "vitest";
import { decode } from "../../../../api/schema/index.ts";

const Inner = Type.Object({ Memory: Type.Integer(), Name: Type.String() });
const schema = Type.Object({
  Cmd: Type.Array(Type.String(), { "x-string-or-list": true }),
  Tty: Type.Boolean(),
  Maybe: Type.Union([Inner, Type.Null()]),
  Map: Type.Record(Type.String(), Type.String()),
  Sets: Type.Record(Type.String(), Type.Object({})),
  Lists: Type.Record(Type.String(), Type.Union([Type.Array(Inner), Type.Null()])),
});

test("names in any case, unknown ones dropped, null is absent", () => {
  expect(decode(schema, { cmd: ["a"], TTY: true, nonsense: {}, maybe: null })).toEqual({
    value: { Cmd: ["a"], Tty: true },
  });
});
test("an exact name is not shadowed by a later other spelling's absence", () => {
  expect(decode(schema, { Tty: false, maybe: { MEMORY: 1 } })).toEqual({ value: { Tty: false, Maybe: { Memory: 1 } } });
});
test("one string stands for a list of one where Go allows it", () => {
  expect(decode(schema, { Cmd: "ls -l" })).toEqual({ value: { Cmd: ["ls -l"] } });
});
test("null inside maps and lists is Go's zero value", () => {
  expect(decode(schema, { Map: { a: null }, Cmd: [null, "x"], Sets: { "80/tcp": null }, Lists: { p: null } })).toEqual({
    value: { Map: { a: "" }, Cmd: ["", "x"], Sets: { "80/tcp": {} }, Lists: { p: undefined } },
  });
});
test.each([
  [{ Tty: "yes" }, "Tty", "a boolean", "a string"],
  [{ Cmd: 5 }, "Cmd", "a list", "a number"],
  [{ maybe: { memory: 1.5 } }, "Maybe.Memory", "an integer", "the number 1.5"],
  [{ maybe: { memory: 1e20 } }, "Maybe.Memory", "an integer of 64 bits", "the number 100000000000000000000"],
  [{ Map: { a: {} } }, "Map.a", "a string", "an object"],
  [{ Cmd: ["a", 1] }, "Cmd[1]", "a string", "a number"],
  [[], "", "an object", "a list"],
  ["x", "", "an object", "a string"],
])("%j names the field", (value, field, expected, got) => {
  expect(decode(schema, value)).toEqual({ problem: { field, expected, got } });
});
test("any JSON value decodes or names a problem, and no prototype is touched", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const result = decode(schema, value);
      expect("value" in result || "problem" in result).toBe(true);
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    }),
  );
  const hostile = JSON.parse(
    '{"__proto__":{"Tty":true},"Map":{"__proto__":"x"},"constructor":{"prototype":{}}}',
  ) as unknown;
  const { value } = decode(schema, hostile) as { value: { Tty?: boolean; Map: object } };
  expect(value.Tty).toBeUndefined();
  expect(Object.getPrototypeOf(value.Map)).toBe(Object.prototype);
  expect(Object.keys(value.Map)).toEqual(["__proto__"]);
});
