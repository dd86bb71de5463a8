import { describe, expect, it } from "vitest";
import { type Digest, sha256 } from "../../../images/digest.ts";
import { parseReference } from "../../../images/index.ts";
import { planRemoval, type RemovalWorld } from "../../../images/removal-policy.ts";

interface Known {
  readonly names?: readonly string[];
  readonly parent?: Digest;
  readonly running?: readonly string[];
  readonly stopped?: readonly string[];
}
const [A, B, C] = [sha256("a"), sha256("b"), sha256("c")];
const container = "c0ffee".padEnd(64, "0");
const at = (name: string) => `${name}@sha256:${"1".repeat(64)}`;

function world(images: Readonly<Record<string, Known>>): RemovalWorld {
  return {
    references: (id) => (images[id]?.names ?? []).map(parseReference),
    parent: (id) => images[id]?.parent ?? "",
    children: (id) => Object.keys(images).filter((other) => images[other]?.parent === id),
    users: (id) => ({ running: images[id]?.running ?? [], stopped: images[id]?.stopped ?? [] }),
  };
}
function remove(
  images: Readonly<Record<string, Known>>,
  ref: string,
  options: { force?: boolean; noPrune?: boolean; id?: Digest } = {},
): string[] {
  const byId = ref.startsWith("sha256:");
  const request = {
    id: options.id ?? (byId ? (ref as Digest) : A),
    name: byId ? null : parseReference(ref).tagged(),
    ref,
    force: options.force ?? false,
    noPrune: options.noPrune ?? false,
  };
  return planRemoval(world(images), request).map((step) =>
    "untag" in step
      ? `untag ${step.untag.familiar()}`
      : `delete ${step.delete === A ? "A" : step.delete === B ? "B" : "C"}`,
  );
}

describe("removal by name", () => {
  it("untags one of several names", () =>
    expect(remove({ [A]: { names: ["x:1", "x:2"] } }, "x:1")).toEqual(["untag x:1"]));
  it("deletes with the last name", () =>
    expect(remove({ [A]: { names: ["x:1"] } }, "x:1")).toEqual(["untag x:1", "delete A"]));
  it("takes the repository's digests with its last tag", () => {
    expect(remove({ [A]: { names: ["x:1", at("x")] } }, "x:1")).toEqual(["untag x:1", `untag ${at("x")}`, "delete A"]);
    expect(remove({ [A]: { names: ["x:1", "x:2", at("x")] } }, "x:1")).toEqual(["untag x:1"]);
    expect(remove({ [A]: { names: ["x:1", at("y")] } }, "x:1")).toEqual(["untag x:1"]);
  });
  it.each(["running", "stopped"])("is refused while a %s container uses it", (state) => {
    expect(() => remove({ [A]: { names: ["x:1"], [state]: [container] } }, "x:1")).toThrow(
      expect.objectContaining({
        kind: "conflict",
        message: `conflict: unable to remove repository reference "x:1" (must force) - container ${container.slice(0, 12)} is using its referenced image ${A.slice(7, 19)}`,
      }),
    );
  });
  it("only untags by force while it runs, and deletes by force when stopped", () => {
    expect(remove({ [A]: { names: ["x:1"], running: [container] } }, "x:1", { force: true })).toEqual(["untag x:1"]);
    expect(remove({ [A]: { names: ["x:1"], stopped: [container] } }, "x:1", { force: true })).toEqual([
      "untag x:1",
      "delete A",
    ]);
  });
  it("leaves an image with children without a name", () => {
    expect(remove({ [A]: { names: ["x:1"] }, [B]: { parent: A } }, "x:1")).toEqual(["untag x:1"]);
  });
});

describe("removal by id", () => {
  it("takes the single name along", () => {
    expect(remove({ [A]: { names: ["x:1", at("x")] } }, A)).toEqual(["untag x:1", `untag ${at("x")}`, "delete A"]);
    expect(remove({ [A]: {} }, A)).toEqual(["delete A"]);
  });
  const refusal = (text: string) =>
    expect.objectContaining({ kind: "conflict", message: `conflict: unable to delete ${A.slice(7, 19)} ${text}` });
  it("is refused with several names unless forced", () => {
    const images = { [A]: { names: ["x:1", "y:1"] } };
    expect(() => remove(images, A)).toThrow(refusal("(must be forced) - image is referenced in multiple repositories"));
    expect(remove(images, A, { force: true })).toEqual(["untag x:1", "untag y:1", "delete A"]);
  });
  it("is refused while used", () => {
    const running = { [A]: { names: ["x:1"], running: [container] } };
    expect(() => remove(running, A)).toThrow(
      refusal(`(cannot be forced) - image is being used by running container ${container.slice(0, 12)}`),
    );
    expect(() => remove(running, A, { force: true })).toThrow(
      refusal(`(cannot be forced) - image is being used by running container ${container.slice(0, 12)}`),
    );
    const stopped = { [A]: { names: ["x:1"], stopped: [container] } };
    expect(() => remove(stopped, A)).toThrow(
      refusal(`(must be forced) - image is being used by stopped container ${container.slice(0, 12)}`),
    );
    expect(remove(stopped, A, { force: true })).toEqual(["untag x:1", "delete A"]);
  });
  it("is refused for an image with children, forced or not", () => {
    const images = { [A]: {}, [B]: { parent: A } };
    for (const force of [false, true])
      expect(() => remove(images, A, { force })).toThrow(
        refusal("(cannot be forced) - image has dependent child images"),
      );
  });
  it("prunes nameless parents up to one that is needed", () => {
    const chain = { [A]: { parent: B }, [B]: { parent: C }, [C]: { names: ["base:1"] } };
    expect(remove(chain, A)).toEqual(["delete A", "delete B"]);
    expect(remove(chain, A, { noPrune: true })).toEqual(["delete A"]);
    expect(remove({ ...chain, [C]: {} }, A)).toEqual(["delete A", "delete B", "delete C"]);
  });
});
