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

/** r0 holds the answer at the end and is scratch before. */
const REGISTER = { answer: 0, context: 1, type: 2, pending: 3, major: 4, minor: 5, difference: 6 } as const;
const LOAD_W = 0x61;
const MOV64_K = 0xb7;
const MOV32_X = 0xbc;
const AND32_K = 0x54;
const OR32_X = 0x4c;
const XOR32_K = 0xa4;
const RSH32_K = 0x74;
const JA = 0x05;
const JNE32_K = 0x56;
const JSET32_K = 0x46;
const EXIT = 0x95;
const INSTRUCTION_BYTES = 8;

interface Instruction {
  readonly code: number;
  readonly dst?: number;
  readonly src?: number;
  /** Of a load: bytes; of a jump: instructions to skip. */
  readonly offset?: number;
  readonly imm?: number;
}

const mask = (access: string): number => [...access].reduce((bits, letter) => bits | (ACCESS[letter] ?? 0), 0);
const coversAll = ({ type, major, minor, access }: DeviceRule): boolean =>
  type === "a" && major === null && minor === null && mask(access) === EVERY_ACCESS;

const ending = (answer: number): readonly Instruction[] => [
  { code: MOV64_K, dst: REGISTER.answer, imm: answer },
  { code: EXIT },
];

/** `pending` holds the accesses that no rule has decided yet. */
function act({ allow, access }: DeviceRule): readonly Instruction[] {
  const imm = mask(access);
  const end = ending(allow ? 1 : 0);
  return allow
    ? [
        { code: AND32_K, dst: REGISTER.pending, imm: ~imm },
        { code: JNE32_K, dst: REGISTER.pending, imm: 0, offset: end.length },
        ...end,
      ]
    : [{ code: JSET32_K, dst: REGISTER.pending, imm, offset: 1 }, { code: JA, offset: end.length }, ...end];
}

/**
 * Goes on for the rule's devices, else skips: the differences of type and numbers are collected into one word and compared
 * once. Comparing the registers themselves would let the verifier follow every rule that matched with the number as a known
 * value through all the others: it then refuses some hundreds of rules as too complex. As it is, it takes 4000.
 */
function match({ type, major, minor }: DeviceRule, skip: number): readonly Instruction[] {
  const wanted = [
    [REGISTER.type, type === "a" ? null : TYPE[type]],
    [REGISTER.major, major],
    [REGISTER.minor, minor],
  ] as const;
  const differences = wanted.flatMap(([src, value]): readonly Instruction[] =>
    value === null
      ? []
      : [
          { code: MOV32_X, dst: REGISTER.difference, src },
          { code: XOR32_K, dst: REGISTER.difference, imm: value },
          { code: OR32_X, dst: REGISTER.answer, src: REGISTER.difference },
        ],
  );
  if (differences.length === 0) return [];
  return [
    { code: MOV64_K, dst: REGISTER.answer, imm: 0 },
    ...differences,
    { code: JNE32_K, dst: REGISTER.answer, imm: 0, offset: skip },
  ];
}

function ruleCode(rule: DeviceRule): readonly Instruction[] {
  const code = act(rule);
  return [...match(rule, code.length), ...code];
}

const PROLOGUE: readonly Instruction[] = [
  { code: LOAD_W, dst: REGISTER.type, src: REGISTER.context, offset: ACCESS_AT },
  { code: LOAD_W, dst: REGISTER.major, src: REGISTER.context, offset: MAJOR_AT },
  { code: LOAD_W, dst: REGISTER.minor, src: REGISTER.context, offset: MINOR_AT },
  { code: MOV32_X, dst: REGISTER.pending, src: REGISTER.type },
  { code: AND32_K, dst: REGISTER.type, imm: 0xffff },
  { code: RSH32_K, dst: REGISTER.pending, imm: 16 },
];

function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ code, dst = 0, src = 0, offset = 0, imm = 0 }, index) => {
    const at = index * INSTRUCTION_BYTES;
    view.setUint8(at, code);
    view.setUint8(at + 1, (src << 4) | dst);
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, imm, true);
  });
  return bytes;
}

/** struct bpf_insn[] (8 bytes each) for `sys.bpfLoadDeviceProgram`. Pure. */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  // What comes before a rule that covers everything can never matter.
  const base = rules.findLastIndex(coversAll);
  const code = rules
    .slice(base + 1)
    .reverse()
    .flatMap(ruleCode);
  return encode([...PROLOGUE, ...code, ...ending(rules[base]?.allow === true ? 1 : 0)]);
}
