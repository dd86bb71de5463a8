import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { ChunkedDecoder, encodeHead, parseHead } from "../../../../api/client/http-wire.ts";

/** `bytes` in pieces that end at the given places. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((left, right) => left - right);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

describe("chunked answers", () => {
  it("come out whole however the socket cuts them", () => {
    const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 10 });
    fc.assert(
      fc.property(
        parts,
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.uint8Array({ maxLength: 20 }),
        (chunks, cuts, next) => {
          const wire = Buffer.concat([
            ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]),
            Buffer.from("0\r\n\r\n"),
          ]);
          const decoder = new ChunkedDecoder();
          const out: Buffer[] = [];
          for (const piece of pieces(wire, cuts)) out.push(decoder.push(piece));
          expect(decoder.done).toBe(true);
          expect(Buffer.concat(out)).toEqual(Buffer.concat(chunks));
          const whole = new ChunkedDecoder();
          whole.push(Buffer.concat([wire, next]));
          expect(whole.rest).toEqual(Buffer.from(next));
        },
      ),
    );
  });

  it.each(["zz\r\n", "-1\r\n", "\r\n", "fffffffffffffff\r\n"])("refuse the size %j", (wire) => {
    expect(() => new ChunkedDecoder().push(Buffer.from(wire))).toThrow("not chunked as it says");
  });

  it("know extensions and trailers", () => {
    const decoder = new ChunkedDecoder();
    expect(decoder.push(Buffer.from("2;x=y\r\nhi\r\n0\r\nX-Trailer: 1\r\n\r\n")).toString()).toBe("hi");
    expect(decoder.done).toBe(true);
  });
});

describe("heads", () => {
  it("parse status, reason and headers in any case", () => {
    const head = parseHead("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nX: a: b");
    expect(head).toEqual({
      status: 404,
      reason: "Not Found",
      headers: { "content-type": "application/json", x: "a: b" },
    });
  });

  it("refuse what is not HTTP", () => {
    expect(() => parseHead("SSH-2.0-OpenSSH")).toThrow('not an HTTP answer: "SSH-2.0-OpenSSH"');
  });

  it("cannot be split by a value", () => {
    expect(() => encodeHead("GET", "/", { A: "b\r\nC: d" })).toThrow("header A holds a line break");
  });
});
