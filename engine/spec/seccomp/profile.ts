/**
 * Seccomp profiles: the template form (rules with conditions), expanded for one host and one bounding set into the OCI
 * form that RunSpec carries and the BPF compiler takes. Pure.
 */
import { invalid, TareError, unsupported } from "../../base/errors.ts";
import type { HostView } from "../host-view.ts";
import type { SeccompProfile } from "../run-spec.ts";

export interface SeccompCondition {
  readonly capabilities?: readonly string[];
  /** GOARCH names: amd64, arm64, x32, … */
  readonly arches?: readonly string[];
  /** "4.8" */
  readonly minKernel?: string;
}
export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly { readonly index: number; readonly op: string; readonly value: number | bigint; readonly valueTwo: number | bigint }[];
  /** Every one must hold: all capabilities, any of the arches, at least this kernel. */
  readonly includes?: SeccompCondition;
  /** None may hold: any of the capabilities, any of the arches, this kernel or newer. */
  readonly excludes?: SeccompCondition;
}
/** What a profile's conditions ask about. */
export interface SeccompFacts {
  /** The bounding set of the container ("CAP_CHOWN", …): rules for capabilities look at what can ever be had. */
  readonly bounding: readonly string[];
  readonly view: Pick<HostView, "architecture" | "kernel">;
}

const GOARCH = { x64: "amd64", arm64: "arm64" } as const;
/** The native architecture first, then those whose programs the kernel runs as well. */
export const ARCHITECTURES = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
} as const;

function isAtLeast(kernel: HostView["kernel"], wanted: string): boolean {
  const [major = 0, minor = 0] = wanted.split(".").map(Number);
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

export function appliesTo(rule: Pick<SeccompRule, "includes" | "excludes">, context: SeccompFacts): boolean {
  const { includes = {}, excludes = {} } = rule;
  const arch = GOARCH[context.view.architecture];
  const has = (name: string): boolean => context.bounding.includes(name);
  const included =
    (includes.arches === undefined || includes.arches.length === 0 || includes.arches.includes(arch)) &&
    (includes.capabilities ?? []).every(has) &&
    (includes.minKernel === undefined || isAtLeast(context.view.kernel, includes.minKernel));
  const excluded =
    (excludes.arches ?? []).includes(arch) ||
    (excludes.capabilities ?? []).some(has) ||
    (excludes.minKernel !== undefined && isAtLeast(context.view.kernel, excludes.minKernel));
  return included && !excluded;
}

export const expandRules = (rules: readonly SeccompRule[], context: SeccompFacts): SeccompProfile["syscalls"] =>
  rules
    .filter((rule) => appliesTo(rule, context))
    .map(({ names, action, errnoRet, args }) => ({ names, action, errnoRet: errnoRet ?? null, args: args ?? [] }));

// ── a user's profile: JSON text in either the template or the OCI form ───────────────────────────────────────────
const ACTIONS: ReadonlySet<string> = new Set(
  ["KILL", "KILL_THREAD", "KILL_PROCESS", "TRAP", "ERRNO", "TRACE", "ALLOW", "LOG", "NOTIFY"].map((name) => `SCMP_ACT_${name}`),
);
const OPERATORS: ReadonlySet<string> = new Set(["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"].map((name) => `SCMP_CMP_${name}`));
const FLAGS: ReadonlySet<string> = new Set(["TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV"].map((name) => `SECCOMP_FILTER_FLAG_${name}`));

const bad = (text: string): TareError =>
  invalid("container.invalid_seccomp_profile", `Decoding seccomp profile failed: ${text}`, { details: { argument: "SecurityOpt", value: "seccomp" } });
const object = (value: unknown, where: string): Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${where} is not an object`);
  return value as Readonly<Record<string, unknown>>;
};
const list = (value: unknown, where: string): readonly unknown[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw bad(`${where} is not a list`);
  return value;
};
const word = (value: unknown, where: string): string => {
  if (typeof value !== "string") throw bad(`${where} is not a string`);
  return value;
};
const words = (value: unknown, where: string): readonly string[] => list(value, where).map((entry) => word(entry, where));
/** 64-bit numbers: JSON.parse has rounded what does not fit a double, so that is refused rather than changed. */
const whole = (value: unknown, where: string): number => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw bad(`${where} is not a whole number that is exact`);
  return value;
};
const maybe = (value: unknown, where: string): number | null => (value === undefined || value === null ? null : whole(value, where));

function known(name: string, set: ReadonlySet<string>, where: string): string {
  if (!set.has(name)) throw bad(`unknown ${where} ${JSON.stringify(name)}`);
  return name;
}
function action(value: unknown, where: string): string {
  const name = known(word(value, where), ACTIONS, "action");
  if (name === "SCMP_ACT_NOTIFY") throw unsupported("container.seccomp_notify", "SCMP_ACT_NOTIFY in a seccomp profile is not supported");
  return name;
}

function condition(value: unknown, where: string): SeccompCondition {
  if (value === undefined || value === null) return {};
  const fields = object(value, where);
  return {
    capabilities: words(fields["caps"], `${where}.caps`),
    arches: words(fields["arches"], `${where}.arches`),
    ...(fields["minKernel"] === undefined ? {} : { minKernel: word(fields["minKernel"], `${where}.minKernel`) }),
  };
}

function rule(value: unknown, at: number): SeccompRule {
  const where = `syscalls[${at}]`;
  const fields = object(value, where);
  const names = fields["name"] === undefined ? words(fields["names"], `${where}.names`) : [word(fields["name"], `${where}.name`)];
  if (names.length === 0) throw bad(`${where} names no system call`);
  const errnoRet = maybe(fields["errnoRet"], `${where}.errnoRet`);
  return {
    names,
    action: action(fields["action"], `${where}.action`),
    ...(errnoRet === null ? {} : { errnoRet }),
    args: list(fields["args"], `${where}.args`).map((entry) => {
      const arg = object(entry, `${where}.args`);
      const index = whole(arg["index"], `${where}.args.index`);
      if (index > 5) throw bad(`${where}.args.index is above 5`);
      return {
        index,
        op: known(word(arg["op"], `${where}.args.op`), OPERATORS, "operator"),
        value: whole(arg["value"], `${where}.args.value`),
        valueTwo: maybe(arg["valueTwo"], `${where}.args.valueTwo`) ?? 0,
      };
    }),
    includes: condition(fields["includes"], `${where}.includes`),
    excludes: condition(fields["excludes"], `${where}.excludes`),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bad((error as Error).message);
  }
}

/** text: the profile itself (the command line has read the file). Throws `invalid` with the place of the mistake. */
export function parseSeccomp(text: string, context: SeccompFacts): SeccompProfile {
  const fields = object(parseJson(text), "the profile");
  const template = list(fields["archMap"], "archMap").length > 0;
  if (template && list(fields["architectures"], "architectures").length > 0) {
    throw bad("both 'architectures' and 'archMap' are specified, use either");
  }
  const architectures = words(fields["architectures"], "architectures");
  const native = ARCHITECTURES[context.view.architecture];
  return {
    defaultAction: action(fields["defaultAction"], "defaultAction"),
    defaultErrnoRet: maybe(fields["defaultErrnoRet"], "defaultErrnoRet"),
    architectures: template ? native : architectures.length > 0 ? architectures : [native[0]],
    flags: words(fields["flags"], "flags").map((flag) => known(flag, FLAGS, "flag")),
    syscalls: expandRules(list(fields["syscalls"], "syscalls").map(rule), context),
  };
}
