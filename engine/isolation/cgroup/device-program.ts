import type { DeviceRule } from "../../spec/run-spec.ts";

/** cgroup v2 device rules as an eBPF program (struct bpf_insn[]): the last rule that matches decides; none = refused. */
export function deviceProgram(_rules: readonly DeviceRule[]): Uint8Array {
  throw new Error("not yet");
}
