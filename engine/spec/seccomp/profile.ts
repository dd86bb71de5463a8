/** SecurityOpt `seccomp={…}`: Docker's template form or the OCI form, both into an expanded SeccompProfile. Pure. */
import { unsupported } from "../../base/errors.ts";
import type { SeccompProfile } from "../run-spec.ts";
import { type Conditions, expandRules, NO_CONDITIONS, type SeccompFacts, type TemplateRule } from "./conditions.ts";
import { badField, type Fields, list, object, oneOf, optionalText, parseExactly, text, unsigned } from "./fields.ts";
import {
  DEFAULT_FLAGS,
  HOST_ARCHITECTURES,
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FLAGS,
  SECCOMP_OPERATORS,
  type SeccompAction,
} from "./vocabulary.ts";

export type { SeccompFacts } from "./conditions.ts";

const MAX_ERRNO = 4095n;
const MAX_U64 = (1n << 64n) - 1n;
const LAST_ARGUMENT = 5n;

const architecture = oneOf(SECCOMP_ARCHITECTURES);
const operator = oneOf(SECCOMP_OPERATORS);
const flag = oneOf(SECCOMP_FLAGS);

function action(value: unknown, field: string): SeccompAction {
  const name = oneOf(SECCOMP_ACTIONS)(value, field);
  if (name !== "SCMP_ACT_NOTIFY") return name;
  throw unsupported(
    "container.seccomp_notify",
    `seccomp profile: ${field}: SCMP_ACT_NOTIFY needs a listener, which is not supported`,
    {
      details: { argument: "SecurityOpt", field },
    },
  );
}

const errnoReturn = (value: unknown, field: string): number | null =>
  value === undefined || value === null ? null : Number(unsigned(value, field, MAX_ERRNO));

function argument(value: unknown, field: string): TemplateRule["args"][number] {
  const fields = object(value, field);
  return {
    index: Number(unsigned(fields["index"] ?? 0, `${field}.index`, LAST_ARGUMENT)),
    value: unsigned(fields["value"] ?? 0, `${field}.value`, MAX_U64),
    valueTwo: unsigned(fields["valueTwo"] ?? 0, `${field}.valueTwo`, MAX_U64),
    op: operator(fields["op"], `${field}.op`),
  };
}

function minimumKernel(value: unknown, field: string): Conditions["minKernel"] {
  const version = optionalText(value, field);
  if (version === undefined) return null;
  const [, major, minor] = /^(\d{1,5})\.(\d{1,5})$/.exec(version) ?? [];
  if (major === undefined || minor === undefined) throw badField(field, `"${version}" is not of the form major.minor`);
  return { major: Number(major), minor: Number(minor) };
}

function conditions(value: unknown, field: string): Conditions {
  if (value === undefined || value === null) return NO_CONDITIONS;
  const fields = object(value, field);
  return {
    arches: list(fields["arches"], `${field}.arches`, text),
    caps: list(fields["caps"], `${field}.caps`, text),
    minKernel: minimumKernel(fields["minKernel"], `${field}.minKernel`),
  };
}

/** `name` is the form of profiles from before Docker 1.13. */
function callNames(fields: Fields, field: string): readonly string[] {
  const single = optionalText(fields["name"], `${field}.name`);
  const names = list(fields["names"], `${field}.names`, text);
  if (single !== undefined && names.length > 0) throw badField(field, "use either name or names, not both");
  if (single === undefined && names.length === 0)
    throw badField(`${field}.names`, "at least one system call is expected");
  return single === undefined ? names : [single];
}

function templateRule(value: unknown, field: string): TemplateRule {
  const fields = object(value, field);
  return {
    names: callNames(fields, field),
    action: action(fields["action"], `${field}.action`),
    errnoRet: errnoReturn(fields["errnoRet"], `${field}.errnoRet`),
    args: list(fields["args"], `${field}.args`, argument),
    includes: conditions(fields["includes"], `${field}.includes`),
    excludes: conditions(fields["excludes"], `${field}.excludes`),
  };
}

interface ArchitectureMapping {
  readonly architecture: string;
  readonly subArchitectures: readonly string[];
}
function mapping(value: unknown, field: string): ArchitectureMapping {
  const fields = object(value, field);
  return {
    architecture: architecture(fields["architecture"], `${field}.architecture`),
    subArchitectures: list(fields["subArchitectures"], `${field}.subArchitectures`, architecture),
  };
}

/** The host's own architecture is always filtered; without any list its compatible ones are refused altogether. */
function architectures(fields: Fields, facts: SeccompFacts): readonly string[] {
  const map = list(fields["archMap"], "archMap", mapping);
  const plain = list(fields["architectures"], "architectures", architecture);
  if (map.length > 0 && plain.length > 0) throw badField("archMap", "use either architectures or archMap, not both");
  const { scmp } = HOST_ARCHITECTURES[facts.view.architecture];
  const mapped = map.find((entry) => entry.architecture === scmp)?.subArchitectures ?? [];
  return [...new Set([scmp, ...mapped, ...plain])];
}

/**
 * Throws `invalid` (container.invalid_seccomp_profile; details.field names the offending field) and `unsupported` for
 * what needs a listener. Names of system calls are not checked: those that a kernel does not have are ignored.
 */
export function parseSeccomp(json: string, facts: SeccompFacts): SeccompProfile {
  const fields = object(parseExactly(json), "");
  if (optionalText(fields["listenerPath"], "listenerPath") !== undefined) {
    throw unsupported("container.seccomp_notify", "seccomp profile: listenerPath is not supported", {
      details: { argument: "SecurityOpt", field: "listenerPath" },
    });
  }
  const flags = fields["flags"] ?? null;
  return {
    defaultAction: action(fields["defaultAction"], "defaultAction"),
    defaultErrnoRet: errnoReturn(fields["defaultErrnoRet"], "defaultErrnoRet"),
    architectures: architectures(fields, facts),
    flags: flags === null ? DEFAULT_FLAGS : list(flags, "flags", flag),
    syscalls: expandRules(list(fields["syscalls"], "syscalls", templateRule), facts),
  };
}
