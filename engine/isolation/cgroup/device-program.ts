/**
 * cgroup v2 has no device list files: an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE) answers every open and mknod of a device.
 * It decides bit by bit: of the accesses asked for (read, write, mknod), each is decided by the last rule that covers the
 * device and this access, and all must be allowed. So "allow c 1:3 rwm" followed by "deny c 1:3 w" refuses opening for reading
 * and writing. No rule: refused.
 */
import type { DeviceRule } from "../../spec/run-spec.ts";

// struct bpf_cgroup_dev_ctx { u32 access_type (access << 16 | type), major, minor }
const ACCESS_AT = 0;
const MAJOR_AT = 4;
const MINOR_AT = 8;
const TYPE = { b: 1, c: 2 } as const;
const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const EVERY_ACCESS = 7;

const CONTEXT = 1;
const ANSWER = 0;
const REGISTER = { type: 2, pending: 3, major: 4, minor: 5 } as const;
const LOAD_W = 0x61;
const MOV64_K = 0xb7;
const MOV32_X = 0xbc;
const AND32_K = 0x54;
const RSH32_K = 0x74;
// 32-bit comparisons: a 64-bit one would widen an immediate above 2^31 with its sign.
const JEQ32_K = 0x16;
const JNE32_K = 0x56;
const JSET32_K = 0x46;
const EXIT = 0x95;
const INSTRUCTION_BYTES = 8;

interface Instruction {
  readonly code: number;
  readonly dst?: number;
  readonly src?: number;
  /** A number of instructions, or where to. */
  readonly jump?: number | "allow" | "refuse";
  readonly imm?: number;
}

const mask = (access: string): number => [...access].reduce((bits, letter) => bits | (ACCESS[letter] ?? 0), 0);
const coversAll = ({ type, major, minor, access }: DeviceRule): boolean =>
  type === "a" && major === null && minor === null && mask(access) === EVERY_ACCESS;

/** `pending` holds the accesses that no rule has decided yet. */
function ruleCode({ allow, type, major, minor, access }: DeviceRule): readonly Instruction[] {
  const bits = mask(access);
  const act: readonly Instruction[] = allow
    ? [
        { code: AND32_K, dst: REGISTER.pending, imm: ~bits },
        { code: JEQ32_K, dst: REGISTER.pending, imm: 0, jump: "allow" },
      ]
    : [{ code: JSET32_K, dst: REGISTER.pending, imm: bits, jump: "refuse" }];
  const wanted = [
    [REGISTER.type, type === "a" ? null : TYPE[type]],
    [REGISTER.major, major],
    [REGISTER.minor, minor],
  ] as const;
  const tests = wanted.filter(([, value]) => value !== null);
  return [
    ...tests.map(([dst, value], index) => ({
      code: JNE32_K,
      dst,
      imm: value ?? 0,
      jump: tests.length - 1 - index + act.length,
    })),
    ...act,
  ];
}

const PROLOGUE: readonly Instruction[] = [
  { code: LOAD_W, dst: REGISTER.type, src: CONTEXT, jump: ACCESS_AT },
  { code: LOAD_W, dst: REGISTER.major, src: CONTEXT, jump: MAJOR_AT },
  { code: LOAD_W, dst: REGISTER.minor, src: CONTEXT, jump: MINOR_AT },
  { code: MOV32_X, dst: REGISTER.pending, src: REGISTER.type },
  { code: AND32_K, dst: REGISTER.type, imm: 0xffff },
  { code: RSH32_K, dst: REGISTER.pending, imm: 16 },
];

function encode(instructions: readonly Instruction[], places: Readonly<Record<string, number>>): Uint8Array {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ code, dst = 0, src = 0, jump = 0, imm = 0 }, index) => {
    const at = index * INSTRUCTION_BYTES;
    view.setUint8(at, code);
    view.setUint8(at + 1, (src << 4) | dst);
    view.setInt16(at + 2, typeof jump === "number" ? jump : (places[jump] ?? 0) - index - 1, true);
    view.setInt32(at + 4, imm, true);
  });
  return bytes;
}

const answer = (value: number): readonly Instruction[] => [{ code: MOV64_K, dst: ANSWER, imm: value }, { code: EXIT }];

/** struct bpf_insn[] (8 bytes each) for `sys.bpfLoadDeviceProgram`. Pure. */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  // What comes before a rule that covers everything can never matter.
  const base = rules.findLastIndex(coversAll);
  const otherwise = rules[base]?.allow === true ? 1 : 0;
  const code = rules
    .slice(base + 1)
    .reverse()
    .flatMap(ruleCode);
  const program = [...(code.length === 0 ? [] : [...PROLOGUE, ...code]), ...answer(otherwise)];
  const same = program.length - 2;
  const other = program.length;
  // The kernel refuses a program with instructions that cannot be reached: the other ending only where something leads to it.
  const leads = code.some(({ jump }) => jump === (otherwise === 1 ? "refuse" : "allow"));
  if (leads) program.push(...answer(1 - otherwise));
  return encode(program, otherwise === 1 ? { allow: same, refuse: other } : { allow: other, refuse: same });
}
