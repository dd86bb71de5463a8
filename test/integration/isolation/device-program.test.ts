/** Device programs in a real kernel: accepted by the verifier, and deciding for a process in a cgroup of their own. */
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { deviceProgram } from "../../../engine/isolation/cgroup/device-program.ts";
import type { DeviceRule } from "../../../engine/spec/run-spec.ts";
import { sys } from "../../../native/binding/index.ts";
import { isRoot } from "../../support/machine.ts";

const mountPoint = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(readFileSync("/proc/self/mountinfo", "utf8"))?.[1];

function loads(rules: readonly DeviceRule[]): void {
  closeSync(sys.bpfLoadDeviceProgram(deviceProgram(rules)));
}
const problem = ((): string => {
  if (!isRoot) return "needs root";
  try {
    loads([]);
    return "";
  } catch (error) {
    return `BPF_PROG_LOAD: ${error instanceof Error ? error.message : String(error)}`;
  }
})();
if (problem !== "") console.warn(`SKIPPED: device programs in the kernel (${problem})`);
else if (mountPoint === undefined)
  console.warn("SKIPPED: device programs attached to a cgroup (no cgroup v2 hierarchy is mounted)");

const rule = (
  allow: boolean,
  type: DeviceRule["type"],
  major: number | null,
  minor: number | null,
  access: string,
): DeviceRule => ({
  allow,
  type,
  major,
  minor,
  access,
});
const NOTHING = rule(false, "a", null, null, "rwm");

describe.skipIf(problem !== "")("in the kernel", () => {
  test("the verifier takes every shape of program", () => {
    loads([NOTHING]);
    loads([rule(true, "a", null, null, "rwm")]);
    loads([rule(true, "a", null, null, "rwm"), rule(false, "b", null, null, "w")]);
    loads([rule(true, "a", null, null, "rwm"), rule(true, "c", 1, 3, "r")]);
    loads([NOTHING, rule(false, "c", 1, 3, "r")]);
    loads([
      NOTHING,
      rule(true, "c", 0xffffffff, 0x80000000, "m"),
      rule(false, "a", null, 0, "r"),
      rule(true, "b", 7, null, "rw"),
    ]);
    // The verifier follows every path: thousands of rules must not multiply them.
    const many = (allow: boolean, access: string) =>
      Array.from({ length: 1000 }, (_, minor) => rule(allow, "c", 10, minor, access));
    loads([NOTHING, ...many(true, "rwm"), ...many(true, "rwm"), ...many(true, "rwm")]);
    loads([NOTHING, ...many(true, "r"), ...many(false, "w"), ...many(true, "m")]);
  });

  describe.skipIf(mountPoint === undefined)("attached to a cgroup", () => {
    const directory = join(mountPoint ?? "", `tare-test-devices-${process.pid}`);
    afterEach(() => rmdirSync(directory));

    /** The errors of `: < path`, `: > path` and mknod in a shell inside the cgroup, "" where it worked. */
    function attempts(rules: readonly DeviceRule[], actions: readonly string[]): string[] {
      mkdirSync(directory);
      const program = sys.bpfLoadDeviceProgram(deviceProgram(rules));
      const cgroup = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        sys.bpfAttach(cgroup, program);
      } finally {
        closeSync(program);
        closeSync(cgroup);
      }
      // stdio are pipes: the shell itself opens no device. It is alone in the cgroup, which is empty when it has ended.
      const script = `echo $$ > ${directory}/cgroup.procs || exit 9; ${actions.map((action) => `if (${action}) 2>&-; then echo yes; else echo no; fi`).join("; ")}`;
      const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { input: "", encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      return stdout.trim().split("\n");
    }

    test("only what the rules permit can be opened", () => {
      const rules = [NOTHING, rule(true, "c", 1, 3, "rw"), rule(true, "c", 1, 5, "r")];
      const actions = [
        ": < /dev/null",
        ": > /dev/null",
        ": < /dev/zero",
        ": > /dev/zero",
        ": < /dev/urandom",
        "exec 5<> /dev/zero",
      ];
      expect(attempts(rules, actions)).toEqual(["yes", "yes", "yes", "no", "no", "no"]);
    });

    test("a later rule takes away what an earlier one gave", () => {
      const rules = [rule(true, "a", null, null, "rwm"), rule(false, "c", 1, 5, "w")];
      expect(attempts(rules, [": < /dev/zero", ": > /dev/zero", ": < /dev/urandom"])).toEqual(["yes", "no", "yes"]);
    });
  });
});
