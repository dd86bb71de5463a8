/** Template rules and when they hold. Docker's default table and custom templates are the same data, expanded here. */
import type { HostView } from "../host-view.ts";
import type { SeccompProfile } from "../run-spec.ts";
import { HOST_ARCHITECTURES } from "./vocabulary.ts";

/** What a profile's conditions ask about. */
export interface SeccompFacts {
  /** The bounding set of the container ("CAP_CHOWN", …): rules for capabilities look at what can ever be had. */
  readonly bounding: readonly string[];
  readonly view: Pick<HostView, "architecture" | "kernel">;
}

/** Empty lists and null ask for nothing. */
export interface Conditions {
  /** Go's names ("amd64", "x32"); any of them. */
  readonly arches: readonly string[];
  readonly caps: readonly string[];
  readonly minKernel: { readonly major: number; readonly minor: number } | null;
}
export const NO_CONDITIONS: Conditions = { arches: [], caps: [], minKernel: null };

export type SeccompRule = SeccompProfile["syscalls"][number];
export interface TemplateRule extends SeccompRule {
  readonly includes: Conditions;
  readonly excludes: Conditions;
}

function kernelAtLeast({ view }: SeccompFacts, minimum: { readonly major: number; readonly minor: number }): boolean {
  const { major, minor } = view.kernel;
  return major > minimum.major || (major === minimum.major && minor >= minimum.minor);
}

function included({ arches, caps, minKernel }: Conditions, facts: SeccompFacts): boolean {
  const { go } = HOST_ARCHITECTURES[facts.view.architecture];
  if (arches.length > 0 && !arches.includes(go)) return false;
  if (!caps.every((name) => facts.bounding.includes(name))) return false;
  return minKernel === null || kernelAtLeast(facts, minKernel);
}

// Not the opposite of included: any one condition that holds takes the rule away.
function excluded({ arches, caps, minKernel }: Conditions, facts: SeccompFacts): boolean {
  const { go } = HOST_ARCHITECTURES[facts.view.architecture];
  if (arches.includes(go) || caps.some((name) => facts.bounding.includes(name))) return true;
  return minKernel !== null && kernelAtLeast(facts, minKernel);
}

export const expandRules = (rules: readonly TemplateRule[], facts: SeccompFacts): readonly SeccompRule[] =>
  rules
    .filter(({ includes, excludes }) => included(includes, facts) && !excluded(excludes, facts))
    .map(({ names, action, errnoRet, args }) => ({ names, action, errnoRet, args }));
