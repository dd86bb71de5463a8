/** An interpreter for the few eBPF instructions that cgroup device programs need, over struct bpf_cgroup_dev_ctx. */
export interface DeviceRequest {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  /** Some of "rwm". */
  readonly access: string;
}

const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
export function deviceContext({ type, major, minor, access }: DeviceRequest): DataView {
  const view = new DataView(new ArrayBuffer(12));
  const bits = [...access].reduce((sum, letter) => sum | ACCESS[letter]!, 0);
  view.setUint32(0, (bits << 16) | (type === "b" ? 1 : 2), true);
  view.setUint32(4, major, true);
  view.setUint32(8, minor, true);
  return view;
}

/** The program's r0: 1 = permitted, 0 = refused. Throws on what the verifier would refuse on this path. */
export function runDeviceProgram(program: Uint8Array, request: DeviceRequest): number {
  const context = deviceContext(request);
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  const registers: (number | undefined)[] = [];
  const read = (register: number): number => {
    const value = registers[register];
    if (value === undefined) throw new Error(`r${register} is read before it is written`);
    return value;
  };
  for (let at = 0; ; at += 1) {
    if (at * 8 >= program.length) throw new Error("ran off the program");
    const [opcode, pair] = [code.getUint8(at * 8), code.getUint8(at * 8 + 1)];
    const [offset, imm] = [code.getInt16(at * 8 + 2, true), code.getInt32(at * 8 + 4, true)];
    const [dst, src] = [pair & 15, pair >> 4];
    const jump = (taken: boolean): void => {
      if (offset < 0) throw new Error("a backward jump");
      if (taken) at += offset;
    };
    if (opcode === 0x61) {
      if (src !== 1) throw new Error(`a load from r${src}, only r1 points to the context`);
      registers[dst] = context.getUint32(offset, true);
    } else if (opcode === 0xb7) registers[dst] = imm;
    else if (opcode === 0xbc) registers[dst] = read(src);
    else if (opcode === 0x54) registers[dst] = (read(dst) & imm) >>> 0;
    else if (opcode === 0xa4) registers[dst] = (read(dst) ^ imm) >>> 0;
    else if (opcode === 0x4c) registers[dst] = (read(dst) | read(src)) >>> 0;
    else if (opcode === 0x05) jump(true);
    else if (opcode === 0x74) registers[dst] = read(dst) >>> imm;
    else if (opcode === 0x56) jump(read(dst) !== imm >>> 0);
    else if (opcode === 0x46) jump((read(dst) & imm) !== 0);
    else if (opcode === 0x95) return read(0);
    else throw new Error(`unknown instruction ${opcode.toString(16)}`);
  }
}
