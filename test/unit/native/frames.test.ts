import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame, FRAMES, FrameSplitter, LIMITS } from "../../../native/binding/index.ts";

function split(bytes: Buffer, cuts: readonly number[], raw = false) {
  const output: Buffer[] = [];
  const frames: [number, string][] = [];
  const splitter = new FrameSplitter(
    {
      output: (part) => output.push(Buffer.from(part)),
      frame: (type, payload) => frames.push([type, payload.toString()]),
    },
    { raw },
  );
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    splitter.push(bytes.subarray(at, cut));
    at = Math.max(at, cut);
  }
  splitter.push(bytes.subarray(at));
  return { output: Buffer.concat(output), pieces: output.length, frames, atBoundary: splitter.atBoundary };
}

const out = encodeFrame(FRAMES.stdout, Buffer.from("hello"));
const err = encodeFrame(FRAMES.stderr, Buffer.from("oops"));
const report = encodeFrame(FRAMES.report, Buffer.from('{"at":"done"}'));

describe("FrameSplitter", () => {
  test("passes multiplexed output byte for byte and takes reports out", () => {
    const result = split(Buffer.concat([out, report, err]), []);
    expect(result.output).toEqual(Buffer.concat([out, err]));
    expect(result.frames).toEqual([[FRAMES.report, '{"at":"done"}']]);
    expect(result.atBoundary).toBe(true);
  });

  test("hands over neighbouring frames as one slice", () => {
    expect(split(Buffer.concat([out, err, out]), []).pieces).toBe(1);
  });

  test("raw gives payloads only", () => {
    expect(split(Buffer.concat([out, report, err]), [], true).output.toString()).toBe("hellooops");
  });

  test("does not care where the stream is cut", () => {
    const frame = fc.oneof(
      fc.tuple(fc.constantFrom(FRAMES.stdout, FRAMES.stderr), fc.uint8Array({ maxLength: 40 })),
      fc.tuple(fc.constant(FRAMES.report), fc.uint8Array({ maxLength: 20 })),
    );
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.nat(400), { maxLength: 12 }),
        fc.boolean(),
        (list, cuts, raw) => {
          const bytes = Buffer.concat(list.map(([type, payload]) => encodeFrame(type, payload)));
          const within = cuts.filter((cut) => cut < bytes.length);
          const whole = split(bytes, [], raw);
          const parts = split(bytes, within, raw);
          expect(parts.output).toEqual(whole.output);
          expect(parts.frames).toEqual(whole.frames);
          expect(parts.atBoundary).toBe(true);
        },
      ),
    );
  });

  test("refuses a length over the limit and bytes where zeros belong", () => {
    const long = Buffer.alloc(8);
    long[0] = 1;
    long.writeUInt32BE(LIMITS.frameBytes + 1, 4);
    expect(() => split(long, [])).toThrow(RangeError);
    expect(() => split(Buffer.from([1, 0, 1, 0, 0, 0, 0, 0]), [])).toThrow(RangeError);
  });
});
