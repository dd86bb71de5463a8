import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { DetachScanner, parseDetachKeys } from "../../../../api/cli/session/detach-keys.ts";

describe("detach keys", () => {
  it.each([
    ["", [16, 17]],
    ["ctrl-p,ctrl-q", [16, 17]],
    ["a,b", [97, 98]],
    ["ctrl-@,ctrl-[,ctrl-_", [0, 27, 31]],
    ["DEL", [127]],
  ])("%j", (text, keys) => {
    expect(parseDetachKeys(text)).toEqual(keys);
  });

  it.each(["foo", "ctrl-1", "ctrl-", ","])("refuse %j", (text) => {
    expect(() => parseDetachKeys(text)).toThrow(`invalid detach keys (${text}) provided`);
  });

  it("are found across chunks, and what comes after is not sent", () => {
    const scanner = new DetachScanner([16, 17]);
    expect(scanner.push(Buffer.from("abc\x10"))).toEqual({ data: Buffer.from("abc"), detached: false });
    expect(scanner.push(Buffer.from("\x11def"))).toEqual({ data: Buffer.from(""), detached: true });
  });

  it("give back what only began like the sequence", () => {
    const scanner = new DetachScanner([16, 17]);
    expect(scanner.push(Buffer.from("\x10")).data).toEqual(Buffer.from(""));
    expect(scanner.push(Buffer.from("x\x10\x10y")).data).toEqual(Buffer.from("\x10x\x10\x10y"));
  });

  it("change no byte of input that does not hold the sequence", () => {
    const input = fc.array(fc.constantFrom(1, 16, 97), { maxLength: 40 });
    fc.assert(
      fc.property(input, fc.integer({ min: 1, max: 5 }), (bytes, step) => {
        // A last byte that begins no sequence flushes what is held back.
        const all = Buffer.from([...bytes, 1]);
        const scanner = new DetachScanner([16, 17]);
        const out: Buffer[] = [];
        for (let at = 0; at < all.length; at += step) out.push(scanner.push(all.subarray(at, at + step)).data);
        expect(Buffer.concat(out)).toEqual(all);
      }),
    );
  });
});
