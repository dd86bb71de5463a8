import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deviceProgram } from "../../../../../engine/isolation/cgroup/device-program.ts";
import type { DeviceRule } from "../../../../../engine/spec/run-spec.ts";
import { type DeviceRequest, runDeviceProgram } from "../../../../support/ebpf.ts";

const rule = (text: string): DeviceRule => {
  const [verb, type, major, minor, access] = text.split(/[ :]/) as [string, DeviceRule["type"], string, string, string];
  const number = (word: string): number | null => (word === "*" ? null : Number(word));
  return { allow: verb === "allow", type, major: number(major), minor: number(minor), access };
};
const request = (text: string): DeviceRequest => {
  const [type, major, minor, access] = text.split(/[ :]/) as ["b" | "c", string, string, string];
  return { type, major: Number(major), minor: Number(minor), access };
};
const permits = (rules: readonly string[], asked: string): boolean =>
  runDeviceProgram(deviceProgram(rules.map(rule)), request(asked)) === 1;

/** Each access by the last rule that covers it. */
function meaning(rules: readonly DeviceRule[], { type, major, minor, access }: DeviceRequest): boolean {
  const fits = (one: DeviceRule): boolean =>
    (one.type === "a" || one.type === type) && (one.major ?? major) === major && (one.minor ?? minor) === minor;
  return [...access].every((bit) => rules.findLast((one) => fits(one) && one.access.includes(bit))?.allow === true);
}

describe("device rules as a program", () => {
  test.each([
    [[], "c 1:3 r", false],
    [["allow a *:* rwm"], "b 8:0 rwm", true],
    [["deny a *:* rwm"], "c 1:3 r", false],
    [["allow a *:* rwm", "deny a *:* rwm"], "c 1:3 r", false],
    [["deny a *:* rwm", "allow c 1:3 rwm"], "c 1:3 rw", true],
    [["deny a *:* rwm", "allow c 1:3 rwm"], "b 1:3 r", false],
    [["deny a *:* rwm", "allow c 1:3 rwm"], "c 1:5 r", false],
    [["deny a *:* rwm", "allow c 1:3 rwm"], "c 2:3 r", false],
    [["deny a *:* rwm", "allow c 1:3 r"], "c 1:3 rw", false],
    [["deny a *:* rwm", "allow c *:* m"], "c 77:1 m", true],
    [["deny a *:* rwm", "allow c *:* m"], "c 77:1 r", false],
    [["deny a *:* rwm", "allow c 136:* rwm"], "c 136:9 rw", true],
    [["allow a *:* rwm", "deny b *:* w"], "b 8:1 rw", false],
    [["allow a *:* rwm", "deny b *:* w"], "b 8:1 r", true],
    [["allow c 1:3 rwm", "deny c 1:3 w"], "c 1:3 rw", false],
    [["deny c 1:3 w", "allow c 1:3 rwm"], "c 1:3 rw", true],
    [["allow c 1:3 r", "allow c *:* w"], "c 1:3 rw", true],
    [["allow c 4294967295:2147483648 r"], "c 4294967295:2147483648 r", true],
    [["allow c 4294967295:2147483648 r"], "c 4294967295:2147483649 r", false],
  ])("%j: %s is permitted: %s", (rules, asked, answer) => {
    expect(permits(rules, asked)).toBe(answer);
  });

  test("means the same as the list, whatever the list", () => {
    const small = fc.nat(3);
    const access = fc.subarray(["r", "w", "m"], { minLength: 1 }).map((letters) => letters.join(""));
    const rules = fc.array(
      fc.record({
        allow: fc.boolean(),
        type: fc.constantFrom<DeviceRule["type"]>("a", "b", "c"),
        major: fc.option(small, { nil: null }),
        minor: fc.option(small, { nil: null }),
        access,
      }),
      { maxLength: 8 },
    );
    const asked = fc.record({ type: fc.constantFrom<"b" | "c">("b", "c"), major: small, minor: small, access });
    fc.assert(
      fc.property(rules, fc.array(asked, { minLength: 1, maxLength: 20 }), (list, requests) => {
        const program = deviceProgram(list);
        for (const one of requests) expect(runDeviceProgram(program, one) === 1).toBe(meaning(list, one));
      }),
      { numRuns: 1000 },
    );
  });

  test("what a covering rule makes irrelevant costs nothing", () => {
    const noise = Array.from({ length: 100 }, (_, minor) => rule(`allow c 1:${minor} r`));
    expect(deviceProgram([...noise, rule("deny a *:* rwm")])).toEqual(deviceProgram([]));
    expect(deviceProgram([...noise, rule("allow a *:* rwm")])).toEqual(deviceProgram([rule("allow a *:* rwm")]));
  });
});
