/**
 * Classic BPF put together from its end to its beginning: every jump leads forward, so its target is already placed and
 * the distance is known. Conditional jumps reach 255 instructions; a farther target is reached through one `ja`.
 */
import { invalid } from "../../../base/errors.ts";

const LD_W_ABS = 0x20;
const ALU_AND_K = 0x54;
const JMP_JA = 0x05;
const RET_K = 0x06;
const JUMPS = { equal: 0x15, above: 0x25, atLeast: 0x35 } as const;

/** BPF_MAXINSNS of the kernel. */
const MAX_INSTRUCTIONS = 4096;
/** One less than an offset byte holds: the other target of the same jump may still need an instruction in between. */
const NEAR = 254;
const INSTRUCTION_BYTES = 8;

/** An answer of the filter (SECCOMP_RET_*), or a place: how many instructions follow before the program's end. */
export type Target = { readonly answer: number } | { readonly place: number };

interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export class Assembler {
  /** Last instruction first. */
  readonly #reversed: Instruction[] = [];
  readonly #answers = new Map<number, number>();

  #push(code: number, k: number, jt = 0, jf = 0): Target & { readonly place: number } {
    if (this.#reversed.length >= MAX_INSTRUCTIONS) {
      throw invalid(
        "container.seccomp_profile_too_large",
        `the seccomp profile needs more than the ${MAX_INSTRUCTIONS} instructions that the kernel accepts`,
        { details: { argument: "SecurityOpt", limit: MAX_INSTRUCTIONS } },
      );
    }
    this.#reversed.push({ code, jt, jf, k });
    return { place: this.#reversed.length - 1 };
  }

  /** Instructions between a next one and the target. */
  #distance(place: number): number {
    return this.#reversed.length - 1 - place;
  }

  /** A place near enough for a conditional jump that is pushed next; places a copy or a `ja` when there is none. */
  #near(target: Target): number {
    const place = "place" in target ? target.place : this.#answers.get(target.answer);
    if (place !== undefined && this.#distance(place) <= NEAR) return place;
    if ("place" in target) return this.#push(JMP_JA, this.#distance(target.place)).place;
    const copy = this.#push(RET_K, target.answer).place;
    this.#answers.set(target.answer, copy);
    return copy;
  }

  /** Compares the accumulator with k (unsigned 32 bits). */
  jump(kind: keyof typeof JUMPS, k: number, yes: Target, no: Target): Target {
    const [nearYes, nearNo] = [this.#near(yes), this.#near(no)];
    return this.#push(JUMPS[kind], k, this.#distance(nearYes), this.#distance(nearNo));
  }

  and(mask: number, then: Target): Target {
    this.#fallThrough(then);
    return this.#push(ALU_AND_K, mask);
  }

  /** Loads the 32-bit word of struct seccomp_data at this offset. */
  load(offset: number, then: Target): Target {
    this.#fallThrough(then);
    return this.#push(LD_W_ABS, offset);
  }

  #fallThrough(then: Target): void {
    if ("answer" in then) this.#push(RET_K, then.answer);
    else if (this.#distance(then.place) > 0) this.#push(JMP_JA, this.#distance(then.place));
  }

  /** struct sock_filter[]; the last placed instruction runs first. */
  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#reversed.length * INSTRUCTION_BYTES);
    const view = new DataView(bytes.buffer);
    this.#reversed.toReversed().forEach(({ code, jt, jf, k }, index) => {
      const at = index * INSTRUCTION_BYTES;
      view.setUint16(at, code, true);
      view.setUint8(at + 2, jt);
      view.setUint8(at + 3, jf);
      view.setUint32(at + 4, k, true);
    });
    return bytes;
  }
}
