import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AARCH64,
  type Architecture,
  ARCHITECTURES,
  ARM,
  callNumber,
  I386,
  X32,
  X86_64,
} from "../../../../../engine/isolation/namespace/seccomp/architectures.ts";
import { compileSeccomp } from "../../../../../engine/isolation/namespace/seccomp/compile.ts";
import { SYSCALLS } from "../../../../../engine/isolation/namespace/seccomp/syscalls.gen.ts";
import type { SeccompProfile } from "../../../../../engine/spec/run-spec.ts";
import { SECCOMP_ACTIONS, SECCOMP_OPERATORS } from "../../../../../engine/spec/seccomp/vocabulary.ts";
import { decodeProgram, runProgram, type SeccompData } from "../../../../support/classic-bpf.ts";
import { ALLOW, ENOSYS, EPERM, ERRNO, meaning } from "../../../../support/seccomp-meaning.ts";

type Rule = SeccompProfile["syscalls"][number];
const rule = (names: string, action: string, args: Rule["args"] = [], errnoRet: number | null = null): Rule => ({
  names: names.split(" "),
  action,
  errnoRet,
  args,
});
const profileOf = (
  defaultAction: string,
  syscalls: readonly Rule[],
  architectures: readonly string[] = [],
): SeccompProfile => ({
  defaultAction,
  defaultErrnoRet: null,
  architectures: ["SCMP_ARCH_X86_64", ...architectures],
  flags: [],
  syscalls,
});
const condition = (index: number, op: string, value: number | bigint, valueTwo: number | bigint = 0) => ({
  index,
  op: `SCMP_CMP_${op}`,
  value,
  valueTwo,
});

/** Answers by name: run(profile)(X86_64, "socket", 38n). */
function runner(profile: SeccompProfile, host: "x64" | "arm64" = "x64") {
  const program = decodeProgram(compileSeccomp(profile, host));
  return (architecture: Architecture, call: string | number, ...args: bigint[]): number => {
    const nr = typeof call === "number" ? call : callNumber(architecture, call)!;
    return runProgram(program, { nr, arch: architecture.audit, args }).value;
  };
}

describe("the program means what the profile says", () => {
  const names = fc.constantFrom("read", "socket", "ioctl", "clone", "semop", "mq_open", "futex", "socketcall", "ipc");
  const more = fc.constantFrom("set_tls", "personality", "prctl", "getxattrat", "no_such_call", "constructor");
  const edges = [0n, 1n, 2n, 3n, 38n, 40n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, 0x100000026n];
  const value = fc.oneof(
    fc.constantFrom(...edges, 0xffffffff_80000000n, 0xffffffff_00000001n, 0xffffffff_ffffffffn),
    fc.bigInt({ min: 0n, max: 5n }),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  );
  const errno = fc.option(fc.nat(133), { nil: null });
  const ruleOf = fc.record({
    names: fc.array(fc.oneof(names, more), { minLength: 1, maxLength: 3 }),
    action: fc.constantFrom(...SECCOMP_ACTIONS),
    errnoRet: errno,
    args: fc.array(
      fc.record({
        index: fc.nat(2),
        op: fc.constantFrom(...SECCOMP_OPERATORS),
        value,
        valueTwo: value,
      }),
      { maxLength: 3 },
    ),
  });
  const profile = fc.record({
    defaultAction: fc.constantFrom(...SECCOMP_ACTIONS),
    defaultErrnoRet: errno,
    architectures: fc.subarray(ARCHITECTURES.map(({ name }) => name)),
    flags: fc.constant<string[]>([]),
    syscalls: fc.array(ruleOf, { maxLength: 6 }),
  });
  const call = fc.record({
    architecture: fc.constantFrom(...ARCHITECTURES),
    name: fc.oneof(names, more, fc.constantFrom(...Object.keys(SYSCALLS))),
    around: fc.constantFrom(-1, 0, 0, 0, 1),
    args: fc.array(value, { minLength: 6, maxLength: 6 }),
  });

  test("for any profile, architecture, number and arguments", () => {
    fc.assert(
      fc.property(profile, fc.constantFrom("x64", "arm64"), fc.array(call, { maxLength: 20 }), (one, host, calls) => {
        const program = decodeProgram(compileSeccomp(one, host));
        // Values of the profile itself are where comparisons change their minds.
        const own = one.syscalls.flatMap(({ args }) => args.flatMap((each) => [each.value, each.valueTwo]));
        for (const { architecture, name, around, args } of calls) {
          const nr = (callNumber(architecture, name) ?? architecture.base + 7) + around;
          const near =
            own[0] === undefined ? args : [own[0], BigInt.asUintN(64, (own[1] ?? 0n) + BigInt(around)), ...args];
          for (const list of [args, near.slice(0, 6)]) {
            const data: SeccompData = { nr: nr >>> 0, arch: architecture.audit, args: list };
            expect(runProgram(program, data).value, JSON.stringify({ nr, name })).toBe(meaning(one, host, data));
          }
        }
      }),
      { numRuns: 1500 },
    );
  });

  test("for every number of every architecture, and numbers no kernel has", () => {
    const one = profileOf(
      "SCMP_ACT_ERRNO",
      [rule(Object.keys(SYSCALLS).join(" "), "SCMP_ACT_ALLOW")],
      ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    );
    const program = decodeProgram(compileSeccomp(one, "x64"));
    for (const arch of [X86_64.audit, I386.audit, ARM.audit, AARCH64.audit, 0, 0xffffffff]) {
      for (const base of [0, X32.base, 0x7fffff00, 0x80000000, 0xfffffe00]) {
        for (let nr = base; nr < base + 512; nr += 1) {
          const data = { nr, arch, args: [] };
          expect(runProgram(program, data).value, `${arch} ${nr}`).toBe(meaning(one, "x64", data));
        }
      }
    }
  });
});

describe("actions", () => {
  test.each([
    ["SCMP_ACT_KILL", null, 0x00000000],
    ["SCMP_ACT_KILL_THREAD", null, 0x00000000],
    ["SCMP_ACT_KILL_PROCESS", null, 0x80000000],
    ["SCMP_ACT_TRAP", null, 0x00030000],
    ["SCMP_ACT_ERRNO", null, 0x00050001],
    ["SCMP_ACT_ERRNO", 95, 0x0005005f],
    ["SCMP_ACT_NOTIFY", null, 0x7fc00000],
    ["SCMP_ACT_TRACE", 7, 0x7ff00007],
    ["SCMP_ACT_LOG", null, 0x7ffc0000],
  ])("%s %s", (action, errnoRet, answer) => {
    expect(runner(profileOf("SCMP_ACT_ALLOW", [rule("read", action, [], errnoRet)]))(X86_64, "read")).toBe(answer);
    expect(
      runner({ ...profileOf(action, [rule("read", "SCMP_ACT_ALLOW")]), defaultErrnoRet: errnoRet })(X86_64, 0),
    ).toBe(ALLOW);
  });

  test("an architecture that is not listed is killed, x32 among them", () => {
    const run = runner(profileOf("SCMP_ACT_ALLOW", []));
    expect(run(X86_64, "read")).toBe(ALLOW);
    expect(run(X32, "read")).toBe(0);
    expect(run(I386, "read")).toBe(0);
    expect(run(AARCH64, "read")).toBe(0);
    expect(runner(profileOf("SCMP_ACT_ALLOW", [], ["SCMP_ARCH_X32", "SCMP_ARCH_S390X"]))(X32, "read")).toBe(ALLOW);
  });
});

describe("several rules for one call", () => {
  const five = [condition(0, "EQ", 5)];
  test("the first rule without conditions decides", () => {
    const [two, three] = [rule("read", "SCMP_ACT_ERRNO", [], 2), rule("read", "SCMP_ACT_ERRNO", [], 3)];
    expect(runner(profileOf("SCMP_ACT_ALLOW", [two, three]))(X86_64, "read")).toBe(ERRNO(2));
    const conditional = rule("read", "SCMP_ACT_ERRNO", five, 4);
    expect(runner(profileOf("SCMP_ACT_ALLOW", [conditional, three]))(X86_64, "read", 5n)).toBe(ERRNO(3));
  });

  test("else the first whose conditions hold", () => {
    const rules = [rule("read", "SCMP_ACT_ERRNO", five, 2), rule("read", "SCMP_ACT_ERRNO", [condition(0, "GE", 5)], 3)];
    const run = runner(profileOf("SCMP_ACT_ALLOW", rules));
    expect([run(X86_64, "read", 5n), run(X86_64, "read", 6n), run(X86_64, "read", 4n)]).toEqual([
      ERRNO(2),
      ERRNO(3),
      ALLOW,
    ]);
  });

  test("conditions on different arguments must all hold, on the same argument any", () => {
    const both = runner(
      profileOf("SCMP_ACT_ALLOW", [rule("read", "SCMP_ACT_ERRNO", [...five, condition(1, "EQ", 6)])]),
    );
    expect([both(X86_64, "read", 5n, 6n), both(X86_64, "read", 5n, 7n), both(X86_64, "read", 4n, 6n)]).toEqual([
      EPERM,
      ALLOW,
      ALLOW,
    ]);
    const any = runner(profileOf("SCMP_ACT_ALLOW", [rule("read", "SCMP_ACT_ERRNO", [...five, condition(0, "EQ", 6)])]));
    expect([any(X86_64, "read", 5n), any(X86_64, "read", 6n), any(X86_64, "read", 7n)]).toEqual([EPERM, EPERM, ALLOW]);
  });

  test("a rule whose conditions always hold keeps its place", () => {
    const always = rule("personality", "SCMP_ACT_ERRNO", [condition(0, "LE", 0xf_0000_0000n)], 3);
    const run = runner(profileOf("SCMP_ACT_ALLOW", [rule("personality", "SCMP_ACT_ERRNO", five, 2), always]));
    expect([run(X86_64, "personality", 5n), run(X86_64, "personality", 6n)]).toEqual([ERRNO(2), ERRNO(3)]);
  });

  test("a rule that repeats the default action says nothing", () => {
    const repeats = rule("read", "SCMP_ACT_ERRNO", [], 1);
    expect(
      runner(profileOf("SCMP_ACT_ERRNO", [repeats, rule("read", "SCMP_ACT_ALLOW", five)]))(X86_64, "read", 5n),
    ).toBe(ALLOW);
  });
});

describe("arguments", () => {
  const BIG = 0x1_0000_0005n;
  test.each([
    ["EQ", BIG, 0n, [BIG], [5n, BIG + 1n, BIG << 1n]],
    ["NE", BIG, 0n, [5n, BIG + 1n], [BIG]],
    ["LT", BIG, 0n, [0n, 0xffff_ffffn, BIG - 1n], [BIG, BIG + 1n, 0x2_0000_0000n]],
    ["LE", BIG, 0n, [0n, 0xffff_ffffn, BIG], [BIG + 1n, 0x2_0000_0000n]],
    ["GE", BIG, 0n, [BIG, BIG + 1n, 0x2_0000_0000n], [0xffff_ffffn, BIG - 1n]],
    ["GT", BIG, 0n, [BIG + 1n, 0x2_0000_0000n, 0xffffffff_ffffffffn], [BIG, 0xffff_ffffn]],
    [
      "MASKED_EQ",
      0xff00_0000_0000_00f0n,
      0x1200_0000_0000_0030n,
      [0x12ab_cdef_0123_453fn],
      [0x1200_0000_0000_0040n, 0x30n],
    ],
    ["MASKED_EQ", 0x0fn, 0x35n, [0xf5n], [0x36n]],
  ])("%s %s compares 64 bits", (op, value, two, hits, misses) => {
    const run = runner(profileOf("SCMP_ACT_ALLOW", [rule("mmap", "SCMP_ACT_ERRNO", [condition(5, op, value, two)])]));
    for (const hit of hits) expect(run(X86_64, "mmap", 0n, 0n, 0n, 0n, 0n, hit), `${hit}`).toBe(EPERM);
    for (const miss of misses) expect(run(X86_64, "mmap", 0n, 0n, 0n, 0n, 0n, miss), `${miss}`).toBe(ALLOW);
  });

  test("an int argument cannot hide in the upper half of its register (CVE-2019-7303)", () => {
    const TIOCSTI = 0x5412;
    const run = runner(profileOf("SCMP_ACT_ALLOW", [rule("ioctl", "SCMP_ACT_ERRNO", [condition(1, "EQ", TIOCSTI)])]));
    expect(run(X86_64, "ioctl", 0n, BigInt(TIOCSTI))).toBe(EPERM);
    expect(run(X86_64, "ioctl", 0n, 0x1_0000_5412n)).toBe(EPERM);
    expect(run(X86_64, "ioctl", 0n, 0xffff_ffff_0000_5412n)).toBe(EPERM);
    expect(run(X86_64, "ioctl", 0n, 0x5413n)).toBe(ALLOW);
  });

  test("a negative int is met in both spellings", () => {
    const run = runner(
      profileOf("SCMP_ACT_ALLOW", [rule("personality", "SCMP_ACT_ERRNO", [condition(0, "EQ", (1n << 64n) - 1n)])]),
    );
    expect(run(X86_64, "personality", 0xffff_ffffn)).toBe(EPERM);
    expect(run(X86_64, "personality", 0xffffffff_ffffffffn)).toBe(EPERM);
    expect(run(X86_64, "personality", 0xfffen)).toBe(ALLOW);
    const masked = (value: bigint) =>
      runner(
        profileOf("SCMP_ACT_ALLOW", [
          rule("personality", "SCMP_ACT_ERRNO", [condition(0, "MASKED_EQ", (1n << 64n) - 1n, value)]),
        ]),
      );
    expect(masked(0xffffffff_80000001n)(X86_64, "personality", 0x80000001n)).toBe(EPERM);
    expect(masked(0xffffffff_80000001n)(X86_64, "personality", 1n)).toBe(ALLOW);
    expect(masked(0xffffffff_00000001n)(X86_64, "personality", 0x80000001n), "no int has this value").toBe(ALLOW);
  });
});

describe("32-bit x86's multiplexers", () => {
  const I386_ONLY = ["SCMP_ARCH_X86"];
  test("a refused call is refused there too, its neighbours are not", () => {
    const run = runner(profileOf("SCMP_ACT_ALLOW", [rule("socket semop", "SCMP_ACT_ERRNO")], I386_ONLY));
    expect(run(I386, "socket")).toBe(EPERM);
    expect(run(I386, "socketcall", 1n)).toBe(EPERM);
    expect(run(I386, "socketcall", 2n)).toBe(ALLOW);
    expect(run(I386, "ipc", 1n)).toBe(EPERM);
    expect(run(I386, "ipc", 0x10001n), "the version in the upper half does not hide the call").toBe(EPERM);
    expect(run(I386, "ipc", 2n)).toBe(ALLOW);
  });

  test("of a rule with conditions only the restriction holds", () => {
    const family = [condition(0, "EQ", 38)];
    const refusing = runner(profileOf("SCMP_ACT_ALLOW", [rule("socket", "SCMP_ACT_ERRNO", family)], I386_ONLY));
    expect([refusing(I386, "socketcall", 1n), refusing(I386, "socket", 2n)]).toEqual([EPERM, ALLOW]);
    const permitting = runner(profileOf("SCMP_ACT_ERRNO", [rule("socket", "SCMP_ACT_ALLOW", family)], I386_ONLY));
    expect([permitting(I386, "socketcall", 1n), permitting(I386, "socket", 38n)]).toEqual([EPERM, ALLOW]);
  });
});

describe("calls newer than the profile", () => {
  const NEWER = 10_000;
  const reads = [rule("read write_to_the_moon", "SCMP_ACT_ALLOW")];
  test.each([
    ["SCMP_ACT_ERRNO", null, ENOSYS],
    ["SCMP_ACT_KILL_PROCESS", null, ENOSYS],
    ["SCMP_ACT_ALLOW", null, ALLOW],
    ["SCMP_ACT_LOG", null, 0x7ffc0000],
    ["SCMP_ACT_TRACE", 3, 0x7ff00003],
  ])("default %s", (defaultAction, defaultErrnoRet, answer) => {
    const run = runner({ ...profileOf(defaultAction, reads), defaultErrnoRet });
    expect(run(X86_64, NEWER)).toBe(answer);
    expect(run(X86_64, 1), "write comes after read, the newest that this profile knows").toBe(answer);
  });

  test("ARM's own traps are not newer than anything", () => {
    const arm = {
      ...profileOf("SCMP_ACT_ERRNO", [rule("read set_tls", "SCMP_ACT_ALLOW")]),
      architectures: ["SCMP_ARCH_ARM"],
    };
    const run = runner(arm, "arm64");
    expect(run(ARM, 500)).toBe(ENOSYS);
    expect(run(ARM, "set_tls")).toBe(ALLOW);
    expect(run(ARM, "cacheflush")).toBe(EPERM);
  });
});

test("a profile that needs more instructions than the kernel takes is refused by name", () => {
  const args = Array.from({ length: 2000 }, (_, index) => condition(0, "EQ", index * 2));
  expect(() => compileSeccomp(profileOf("SCMP_ACT_ALLOW", [rule("read", "SCMP_ACT_ERRNO", args)]), "x64")).toThrow(
    expect.objectContaining({ kind: "invalid", code: "container.seccomp_profile_too_large" }),
  );
});

test("far targets are reached (a program of more than 255 instructions between question and answer)", () => {
  const args = Array.from({ length: 600 }, (_, index) => condition(0, "EQ", index * 2));
  const run = runner(
    profileOf("SCMP_ACT_ALLOW", [rule("read", "SCMP_ACT_ERRNO", args), rule("close", "SCMP_ACT_ERRNO")]),
  );
  expect([run(X86_64, "read", 0n), run(X86_64, "read", 1198n), run(X86_64, "read", 1199n)]).toEqual([
    EPERM,
    EPERM,
    ALLOW,
  ]);
  expect([run(X86_64, "close"), run(X86_64, "write"), run(X86_64, 5000)]).toEqual([EPERM, ALLOW, ALLOW]);
});
