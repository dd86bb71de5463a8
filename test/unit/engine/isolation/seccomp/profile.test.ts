import { describe, expect, test } from "vitest";
import { X86_64 } from "../../../../../engine/isolation/namespace/seccomp/architectures.ts";
import { seccompProgram } from "../../../../../engine/isolation/namespace/seccomp/index.ts";
import { parseSeccomp, type SeccompFacts } from "../../../../../engine/spec/seccomp/profile.ts";
import { decodeProgram, runProgram } from "../../../../support/classic-bpf.ts";
import { ALLOW, EPERM } from "../../../../support/seccomp-meaning.ts";

const facts: SeccompFacts = {
  bounding: ["CAP_CHOWN", "CAP_KILL"],
  view: { architecture: "x64", kernel: { major: 5, minor: 10 } },
};
const parse = (profile: unknown, given: Partial<SeccompFacts> = {}) =>
  parseSeccomp(JSON.stringify(profile), { ...facts, ...given });
const allow = (rule: object) =>
  parse({ defaultAction: "SCMP_ACT_ERRNO", syscalls: [{ action: "SCMP_ACT_ALLOW", ...rule }] });
const names = (rule: object) => allow({ names: ["read"], ...rule }).syscalls.flatMap((each) => each.names);

describe("the OCI form", () => {
  test("is taken as it is", () => {
    const args = [{ index: 1, value: 5, valueTwo: 6, op: "SCMP_CMP_MASKED_EQ" }];
    const profile = {
      defaultAction: "SCMP_ACT_ALLOW",
      defaultErrnoRet: 38,
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_PPC64LE"],
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      syscalls: [{ names: ["mkdir", "unheard_of"], action: "SCMP_ACT_ERRNO", errnoRet: 95, args }],
    };
    expect(parse(profile)).toEqual(profile);
  });

  test("what is left out", () => {
    expect(parse({ defaultAction: "SCMP_ACT_LOG", syscalls: null })).toEqual({
      defaultAction: "SCMP_ACT_LOG",
      defaultErrnoRet: null,
      architectures: ["SCMP_ARCH_X86_64"],
      flags: ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
      syscalls: [],
    });
    expect(parse({ defaultAction: "SCMP_ACT_LOG", flags: [] }).flags).toEqual([]);
    expect(allow({ names: ["read"], args: [{ op: "SCMP_CMP_EQ" }] }).syscalls[0]?.args).toEqual([
      { index: 0, value: 0, valueTwo: 0, op: "SCMP_CMP_EQ" },
    ]);
  });

  test("64-bit values stay exact", () => {
    const json = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO",
      "args":[{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_EQ"},{"index":1,"value":9007199254740993,"op":"SCMP_CMP_EQ"}]}]}`;
    const profile = parseSeccomp(json, facts);
    expect(profile.syscalls[0]?.args.map(({ value }) => value)).toEqual([18446744073709551615n, 9007199254740993n]);
    const program = decodeProgram(seccompProgram(profile, facts));
    const answer = (...args: bigint[]) => runProgram(program, { nr: 0, arch: X86_64.audit, args }).value;
    expect(answer(18446744073709551615n, 9007199254740993n)).toBe(EPERM);
    expect(answer(18446744073709551615n, 9007199254740992n)).toBe(ALLOW);
  });
});

describe("Docker's template form", () => {
  test("name is names of one", () => {
    expect(allow({ name: "read" }).syscalls[0]?.names).toEqual(["read"]);
    expect(allow({ name: "", names: ["read"] }).syscalls[0]?.names).toEqual(["read"]);
  });

  test("archMap gives the host's architecture and its compatible ones", () => {
    const archMap = [
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
    ];
    expect(parse({ defaultAction: "SCMP_ACT_ALLOW", archMap }).architectures).toEqual([
      "SCMP_ARCH_X86_64",
      "SCMP_ARCH_X86",
    ]);
    const view = { ...facts.view, architecture: "arm64" as const };
    expect(parse({ defaultAction: "SCMP_ACT_ALLOW", archMap }, { view }).architectures).toEqual([
      "SCMP_ARCH_AARCH64",
      "SCMP_ARCH_ARM",
    ]);
    expect(
      parse({
        defaultAction: "SCMP_ACT_ALLOW",
        archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: null }],
      }).architectures,
    ).toEqual(["SCMP_ARCH_X86_64"]);
  });

  test("includes: one of the arches, all of the capabilities, at least the kernel", () => {
    expect(names({ includes: { arches: ["arm64", "amd64"] } })).toEqual(["read"]);
    expect(names({ includes: { arches: ["arm64"] } })).toEqual([]);
    expect(names({ includes: { caps: ["CAP_CHOWN", "CAP_KILL"] } })).toEqual(["read"]);
    expect(names({ includes: { caps: ["CAP_CHOWN", "CAP_SYS_ADMIN"] } })).toEqual([]);
    expect([names({ includes: { minKernel: "4.8" } }), names({ includes: { minKernel: "5.10" } })]).toEqual([
      ["read"],
      ["read"],
    ]);
    expect([names({ includes: { minKernel: "5.11" } }), names({ includes: { minKernel: "6.0" } })]).toEqual([[], []]);
    expect(names({ includes: {}, excludes: null })).toEqual(["read"]);
  });

  test("excludes: any of them takes the rule away", () => {
    expect(names({ excludes: { arches: ["amd64"] } })).toEqual([]);
    expect(names({ excludes: { caps: ["CAP_SYS_ADMIN", "CAP_CHOWN"] } })).toEqual([]);
    expect(names({ excludes: { caps: ["CAP_SYS_ADMIN"], arches: ["arm64"] } })).toEqual(["read"]);
    expect([names({ excludes: { minKernel: "5.10" } }), names({ excludes: { minKernel: "5.11" } })]).toEqual([
      [],
      ["read"],
    ]);
    expect(names({ includes: { caps: ["CAP_CHOWN"] }, excludes: { arches: ["amd64"] } })).toEqual([]);
  });

  test("conditions and comments are not in the result", () => {
    expect(allow({ names: ["read"], comment: "why", includes: { caps: ["CAP_CHOWN"] } }).syscalls).toEqual([
      { names: ["read"], action: "SCMP_ACT_ALLOW", errnoRet: null, args: [] },
    ]);
  });
});

describe("errors name the field", () => {
  const rule = (fields: object) => ({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["a"], action: "SCMP_ACT_ERRNO" }, fields],
  });
  const argument = (fields: object) =>
    rule({ names: ["a"], action: "SCMP_ACT_ERRNO", args: [{ index: 0, op: "SCMP_CMP_EQ", ...fields }] });
  test.each([
    ["", []],
    ["", "profile.json"],
    ["defaultAction", {}],
    ["defaultAction", { defaultAction: "ALLOW" }],
    ["defaultErrnoRet", { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 4096 }],
    ["architectures[1]", { defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86", "amd64"] }],
    [
      "archMap[0].subArchitectures[0]",
      { defaultAction: "SCMP_ACT_ALLOW", archMap: [{ architecture: "SCMP_ARCH_X86", subArchitectures: [1] }] },
    ],
    [
      "archMap",
      {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86"],
        archMap: [{ architecture: "SCMP_ARCH_X86" }],
      },
    ],
    ["flags[0]", { defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_NEW_LISTENER"] }],
    ["syscalls", { defaultAction: "SCMP_ACT_ALLOW", syscalls: {} }],
    ["syscalls[0]", { defaultAction: "SCMP_ACT_ALLOW", syscalls: ["read"] }],
    ["syscalls[1].names", rule({ action: "SCMP_ACT_ERRNO" })],
    ["syscalls[1]", rule({ action: "SCMP_ACT_ERRNO", name: "a", names: ["b"] })],
    ["syscalls[1].names[1]", rule({ names: ["a", 7], action: "SCMP_ACT_ERRNO" })],
    ["syscalls[1].action", rule({ names: ["a"], action: "SCMP_ACT_DENY" })],
    ["syscalls[1].errnoRet", rule({ names: ["a"], action: "SCMP_ACT_ERRNO", errnoRet: -1 })],
    ["syscalls[1].args[0].op", argument({ op: "==" })],
    ["syscalls[1].args[0].index", argument({ index: 6 })],
    ["syscalls[1].args[0].value", argument({ value: 1.5 })],
    ["syscalls[1].args[0].value", argument({ value: -1 })],
    ["syscalls[1].args[0].valueTwo", argument({ valueTwo: "0" })],
    ["syscalls[1].includes.minKernel", rule({ names: ["a"], action: "SCMP_ACT_ERRNO", includes: { minKernel: "5" } })],
    ["syscalls[1].excludes.caps[0]", rule({ names: ["a"], action: "SCMP_ACT_ERRNO", excludes: { caps: [null] } })],
  ])("%s", (field, profile) => {
    expect(() => parse(profile)).toThrow(
      expect.objectContaining({
        kind: "invalid",
        code: "container.invalid_seccomp_profile",
        details: { argument: "SecurityOpt", field },
      }),
    );
    expect(() => parse(profile)).toThrow(
      field === "" ? "decoding seccomp profile failed: " : `decoding seccomp profile failed: ${field}: `,
    );
  });

  test("text that is not JSON, and a number of more than 64 bits", () => {
    expect(() => parseSeccomp("{", facts)).toThrow(expect.objectContaining({ kind: "invalid" }));
    const big = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":[{"op":"SCMP_CMP_EQ","value":18446744073709551616}]}]}`;
    expect(() => parseSeccomp(big, facts)).toThrow("syscalls[0].args[0].value");
  });

  test("what would need a listener is not supported, and says so", () => {
    expect(() => parse({ defaultAction: "SCMP_ACT_NOTIFY" })).toThrow(expect.objectContaining({ kind: "unsupported" }));
    expect(() => parse({ defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/agent" })).toThrow(
      "listenerPath is not supported",
    );
  });
});
