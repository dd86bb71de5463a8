import { describe, expect, it } from "vitest";
import { failureOf } from "../../../../../engine/isolation/namespace/failure.ts";
import { timestamp } from "../../../../../engine/isolation/namespace/exit.ts";
import { type LaunchPlan, type Report, ShimFailure, ShimUnavailable } from "../../../../../native/binding/index.ts";

const plan: LaunchPlan = [
  { op: "exec", candidates: ["/bin/x"], argv: ["x"], env: [] },
  { op: "exec", candidates: ["/x"], argv: ["/x"], env: [] },
  { op: "bind", source: "/host", target: "/data", attributes: 0, flags: 0, propagation: 0, idmapped: 0 },
  { op: "sysctl", name: "net.a", value: "1" },
  { op: "chdir", path: "/w", create: 1 },
];
const fail = (op: number, errno: number, more: Partial<Report> = {}) =>
  failureOf(new ShimFailure({ at: "failed", op, errno, call: "call", ...more }), plan, "start");

describe("a failed record becomes Docker's words and exit code", () => {
  it.each<[number, number, RegExp, number, string]>([
    [0, 2, /exec: "x": executable file not found in \$PATH$/, 127, "invalid"],
    [1, 2, /exec: "\/x": stat \/x: no such file or directory$/, 127, "invalid"],
    [1, 13, /exec: "\/x": permission denied$/, 126, "invalid"],
    [1, 21, /exec: "\/x": is a directory$/, 126, "invalid"],
    [1, 8, /exec: "\/x": exec format error$/, 128, "internal"],
    [2, 2, /error mounting "\/host" to rootfs at "\/data": .*no such file or directory$/, 127, "invalid"],
    [2, 20, /Are you trying to mount a directory onto a file/, 127, "invalid"],
    [3, 22, /error setting sysctl net\.a=1: invalid argument/, 128, "internal"],
    [4, 13, /chdir to cwd \("\/w"\) failed: permission denied/, 126, "invalid"],
    [99, 12, /launch: call: cannot allocate memory/, 128, "internal"],
  ])("record %i, errno %i", (op, errno, message, exitCode, kind) => {
    const error = fail(op, errno);
    expect(error.message).toMatch(
      /^failed to create task for container: failed to create shim task: OCI runtime create failed/,
    );
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ kind, details: { exitCode } });
  });
  it("tells a silent monitor from a dead one and from a cancelled call", () => {
    const kind = (code: ShimUnavailable["code"]) => failureOf(new ShimUnavailable(code, "x"), plan, "start");
    expect(kind("deadline")).toMatchObject({ kind: "unavailable" });
    expect(kind("gone")).toMatchObject({ kind: "internal", code: "container.monitor_gone" });
    expect(kind("aborted")).toMatchObject({ kind: "cancelled" });
  });
  it("reads the monitor's times", () => {
    expect(timestamp("1700000000.5")).toBe("2023-11-14T22:13:20.500000000Z");
    expect(timestamp(undefined)).toBe("");
  });
});
