/**
 * An interpreter for the classic BPF that seccomp accepts (struct sock_filter over struct seccomp_data), written from
 * the kernel's documentation and independent of our compiler, so that the two can disagree.
 */
export interface SeccompData {
  readonly nr: number;
  readonly arch: number;
  /** Up to six; missing ones are 0. */
  readonly args: readonly bigint[];
}

export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export function decodeProgram(program: Uint8Array): readonly Instruction[] {
  if (program.length % 8 !== 0) throw new Error(`a program of ${program.length} bytes`);
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  return Array.from({ length: program.length / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, true),
    jt: view.getUint8(index * 8 + 2),
    jf: view.getUint8(index * 8 + 3),
    k: view.getUint32(index * 8 + 4, true),
  }));
}

const DATA_BYTES = 64;
export function encodeData(data: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(DATA_BYTES));
  view.setUint32(0, data.nr, true);
  view.setUint32(4, data.arch, true);
  data.args.forEach((value, index) => {
    view.setBigUint64(16 + index * 8, BigInt.asUintN(64, value), true);
  });
  return view;
}

const LD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND = 0x54;
const JA = 0x05;
const RET = 0x06;
const JUMPS: Readonly<Record<number, (a: number, k: number) => boolean>> = {
  0x15: (a, k) => a === k,
  0x25: (a, k) => a > k,
  0x35: (a, k) => a >= k,
  0x45: (a, k) => (a & k) !== 0,
};

export interface Outcome {
  readonly value: number;
  /** Instructions executed. */
  readonly steps: number;
  /** The kernel's always-allow bitmap can hold this answer: nothing but the number and the architecture was looked at. */
  readonly constant: boolean;
}

/** Throws on everything the kernel's checker would refuse on this path: unknown codes, loads and jumps out of bounds. */
export function runProgram(instructions: readonly Instruction[], data: SeccompData): Outcome {
  const memory = encodeData(data);
  let [at, a, steps, constant] = [0, 0, 0, true];
  for (;;) {
    const instruction = instructions[at];
    if (instruction === undefined) throw new Error(`ran off the program at ${at}`);
    const { code, jt, jf, k } = instruction;
    const jump = JUMPS[code];
    at += 1;
    steps += 1;
    if (code === LD) {
      if (k % 4 !== 0 || k >= DATA_BYTES) throw new Error(`load of offset ${k}`);
      if (k > 4) constant = false;
      a = memory.getUint32(k, true);
    } else if (code === AND) a = (a & k) >>> 0;
    else if (code === JA) at += k;
    else if (jump !== undefined) at += jump(a, k) ? jt : jf;
    else if (code === RET) return { value: k, steps, constant };
    else throw new Error(`unknown instruction ${code.toString(16)} at ${at - 1}`);
  }
}
