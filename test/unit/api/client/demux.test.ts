import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { Demuxer } from "../../../../api/client/index.ts";
import { frame } from "../cli/fake-daemon.ts";

describe("stdcopy frames", () => {
  it("give each stream its bytes in order, however they are cut", () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(1 as const, 2 as const), fc.string({ maxLength: 50 })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 40 }), (all, step) => {
        const wire = Buffer.concat(all.map(([stream, text]) => frame(stream, text)));
        const demuxer = new Demuxer();
        const seen: Record<string, Buffer[]> = { stdout: [], stderr: [] };
        for (let at = 0; at < wire.length; at += step) {
          for (const { stream, data } of demuxer.push(wire.subarray(at, at + step))) seen[stream]?.push(data);
        }
        const expected = (wanted: number) =>
          all
            .filter(([stream]) => stream === wanted)
            .map(([, text]) => text)
            .join("");
        expect(Buffer.concat(seen["stdout"] ?? []).toString()).toBe(expected(1));
        expect(Buffer.concat(seen["stderr"] ?? []).toString()).toBe(expected(2));
        expect(demuxer.atBoundary).toBe(true);
      }),
    );
  });

  it("merge neighbours of one stream and keep the order between streams", () => {
    const wire = Buffer.concat([frame(1, "a"), frame(1, "b"), frame(2, "c"), frame(1, "d")]);
    const pieces = new Demuxer().push(wire).map(({ stream, data }) => [stream, data.toString()]);
    expect(pieces).toEqual([
      ["stdout", "ab"],
      ["stderr", "c"],
      ["stdout", "d"],
    ]);
  });

  it("end with the daemon's own words on stream 3", () => {
    const demuxer = new Demuxer();
    expect(() => demuxer.push(frame(3, "Error grabbing logs: gone\n"))).toThrow(
      "error from daemon in stream: Error grabbing logs: gone",
    );
  });

  it("refuse text that is not framed", () => {
    expect(() => new Demuxer().push(Buffer.from("hello world"))).toThrow("Unrecognized input header: 104");
  });
});
