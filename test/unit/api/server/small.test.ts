import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DetachScanner, parseDetachKeys } from "../../../../api/server/detach-keys.ts";
import { booleanFilter, matchesPattern, parseFilters } from "../../../../api/server/filters.ts";
import { bar, size } from "../../../../api/server/handlers/load.ts";
import { machineCpu } from "../../../../api/server/handlers/stats.ts";
import { int64, jsonLine } from "../../../../api/server/json.ts";
import { activationFds, parseHost } from "../../../../api/server/listen.ts";
import { frame } from "../../../../api/server/stdcopy.ts";
import { epochMs, humanDuration, parseDuration, parseUnixTime, parseUntil } from "../../../../api/server/time.ts";
import { encodeFrame, FrameDecoder, Unframer } from "../../../../api/server/websocket.ts";
import { parseFlags } from "../../../../api/server/flags.ts";

describe("detach keys", () => {
  test("texts", () => {
    expect([...parseDetachKeys("")]).toEqual([16, 17]);
    expect([...parseDetachKeys("ctrl-a,x,DEL,ctrl-@,ctrl-_")]).toEqual([1, 120, 127, 0, 31]);
    for (const bad of ["ctrl-1", "xx", "ctrl-", "a,,b", "ctrl-p,"])
      expect(() => parseDetachKeys(bad)).toThrow(`Invalid detach keys (${bad}) provided`);
  });
  test("however the input is cut, nothing is lost and the sequence is found", () => {
    const keys = parseDetachKeys("ctrl-p,ctrl-q");
    fc.assert(
      fc.property(fc.array(fc.constantFrom(16, 17, 65), { maxLength: 12 }), fc.nat(4), (bytes, cut) => {
        const scanner = new DetachScanner(keys);
        const out: number[] = [];
        let detached = false;
        for (let at = 0; at < bytes.length && !detached; at += cut + 1) {
          const scanned = scanner.push(Uint8Array.from(bytes.slice(at, at + cut + 1)));
          out.push(...scanned.pass);
          detached = scanned.detached;
        }
        const text = String.fromCharCode(...bytes);
        const at = text.indexOf("\x10\x11");
        expect(detached).toBe(at >= 0);
        const expected = at >= 0 ? text.slice(0, at) : text;
        const passed = String.fromCharCode(...out);
        expect(at >= 0 ? passed : passed + (text.endsWith("\x10") ? "\x10" : "")).toBe(expected);
      }),
    );
  });
});

describe("times", () => {
  test("queries", () => {
    expect(parseUnixTime("since", "")).toBeNull();
    expect(parseUnixTime("since", "0")).toBeNull();
    expect(parseUnixTime("since", "12.5")).toBe(12_500_000_000n);
    expect(parseUnixTime("since", "1700000000.1234567891")).toBe(1_700_000_000_123_456_789n);
    expect(() => parseUnixTime("since", "10m")).toThrow('"since"');
  });
  test("durations and until", () => {
    expect([parseDuration("1h30m"), parseDuration("-1.5s"), parseDuration("1d"), parseDuration("")]).toEqual([
      5.4e12,
      -1.5e9,
      null,
      null,
    ]);
    expect(parseUntil("10m", 1_000_000)).toBe(400_000);
    expect(parseUntil("2026-11-22T10:00:00", 0)).toBe(Date.UTC(2026, 10, 22, 10));
    expect(parseUntil("1700000000", 0)).toBe(1.7e12);
    expect(() => parseUntil("soon", 0)).toThrow("until=[soon]");
    expect(epochMs("2026-11-22T10:00:00.123456789Z")).toBe(Date.UTC(2026, 10, 22, 10, 0, 0, 123));
  });
  test.each([
    [0, "Less than a second"],
    [1000, "1 second"],
    [59_000, "59 seconds"],
    [60_000, "About a minute"],
    [125_000, "2 minutes"],
    [3_540_000, "59 minutes"],
    [3_600_000, "About an hour"],
    [5_400_000, "2 hours"],
    [47 * 3_600_000, "47 hours"],
    [48 * 3_600_000, "2 days"],
    [14 * 86_400_000, "2 weeks"],
    [60 * 86_400_000, "2 months"],
    [730 * 86_400_000, "2 years"],
  ])("%d ms is %s", (ms, text) => expect(humanDuration(ms)).toBe(text));
});

test("filters", () => {
  const known = ["label", "status", "dangling"];
  expect([...parseFilters('{"status":{"exited":true,"dead":false}}', known)]).toEqual([["status", ["exited", "dead"]]]);
  expect([...parseFilters('{"label":["a=b"]}', known)]).toEqual([["label", ["a=b"]]]);
  expect(parseFilters("null", known).size).toBe(0);
  for (const bad of ['"x"', "{", "[]", '{"label":"a"}', '{"label":[1]}', '{"label":{"a":1}}'])
    expect(() => parseFilters(bad, known)).toThrow("invalid filter");
  expect(booleanFilter(parseFilters('{"dangling":["1"]}', known), "dangling")).toBe(true);
  expect(() => booleanFilter(parseFilters('{"dangling":["x"]}', known), "dangling")).toThrow(
    "invalid filter 'dangling=[x]'",
  );
  expect(() => booleanFilter(parseFilters('{"dangling":["true","false"]}', known), "dangling")).toThrow(
    "invalid filter 'dangling=[true false]'",
  );
  expect([matchesPattern("web-1", "eb"), matchesPattern("web", "^x"), matchesPattern("a", "(")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("integers beyond 2^53 are exact JSON numbers", () => {
  expect(jsonLine({ a: int64(18_446_744_073_709_551_615n), b: int64(5n), c: "<&>" })).toBe(
    '{"a":18446744073709551615,"b":5,"c":"<&>"}\n',
  );
});

test("frames", () => {
  expect([...frame(2, "hi")]).toEqual([2, 0, 0, 0, 0, 0, 0, 2, 104, 105]);
  expect([...frame(1, Buffer.alloc(70_000)).subarray(0, 8)]).toEqual([1, 0, 0, 0, 0, 1, 17, 112]);
});

test("progress text", () => {
  expect(bar(50, 100)).toBe(`[${"=".repeat(25)}>${" ".repeat(24)}]  50B/100B`);
  expect(bar(100, 100)).toBe(`[${"=".repeat(50)}]  100B/100B`);
  expect([size(999), size(1000), size(1_234_567), size(4_500_000_000)]).toEqual(["999B", "1kB", "1.235MB", "4.5GB"]);
});

test("machine cpu", () => {
  expect(machineCpu("cpu  1 2 3 4 5 6 7 800 900\ncpu0 1\ncpu1 1\nintr 5\n")).toEqual({
    systemNs: 280_000_000,
    onlineCpus: 2,
  });
});

describe("hosts", () => {
  test("what is listened on", () => {
    expect(parseHost("unix:///run/x.sock", [])).toMatchObject([{ kind: "unix", path: "/run/x.sock" }]);
    expect(parseHost("tcp://127.0.0.1:2375", [])).toMatchObject([{ kind: "tcp", address: "127.0.0.1", port: 2375 }]);
    expect(parseHost("tcp://[::1]:2375", [])).toMatchObject([{ address: "::1" }]);
    expect(parseHost("fd://", [3, 4])).toMatchObject([{ fd: 3 }, { fd: 4 }]);
  });
  test.each([
    "tcp://0.0.0.0:2375",
    "tcp://:2375",
    "tcp://10.0.0.1:1",
    "tcp://[::]:1",
    "tcp://example.org:1",
    "fd://",
    "unix://relative",
    `unix:///${"x".repeat(107)}`,
    "http://x",
  ])("%s is refused by name", (host) => expect(() => parseHost(host, [])).toThrow(host));
  test("socket activation is for this process only", () => {
    expect(activationFds({ LISTEN_PID: "7", LISTEN_FDS: "2" }, 7)).toEqual([3, 4]);
    expect(activationFds({ LISTEN_PID: "8", LISTEN_FDS: "2" }, 7)).toEqual([]);
    expect(activationFds({}, 7)).toEqual([]);
  });
});

describe("ctrd's flags", () => {
  test("values", () => {
    expect(parseFlags(["--data-root", "/d", "--host=unix:///a", "-H", "unix:///b", "--config", "/c"])).toEqual({
      config: { "data-root": "/d", hosts: ["unix:///a", "unix:///b"] },
      configFile: "/c",
      action: "run",
    });
    expect(parseFlags(["--version"]).action).toBe("version");
  });
  test.each([
    ["--bogus", "--bogus"],
    ["--data-root", "--data-root"],
    ["stray", "stray"],
    ["--host=", "--host"],
  ])("%s", (flag, named) => {
    expect(() => parseFlags([flag])).toThrow(named);
  });
});

test("frames are taken off however the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), fc.integer({ min: 1, max: 30 }), (payloads, step) => {
      const bytes = Buffer.concat(payloads.map((one) => frame(1, one)));
      const unframer = new Unframer();
      const out: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += step) out.push(unframer.push(bytes.subarray(at, at + step)));
      expect(Buffer.concat(out)).toEqual(Buffer.concat(payloads));
    }),
  );
});

describe("websocket frames", () => {
  const masked = (opcode: number, payload: Buffer): Buffer => {
    const plain = encodeFrame(opcode, payload);
    const head = plain.subarray(0, plain.length - payload.length);
    head[1] = (head[1] ?? 0) | 0x80;
    const mask = Buffer.from([1, 2, 3, 4]);
    return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
  };
  test.each([0, 5, 125, 126, 70_000])("%d bytes, in pieces", (length) => {
    const payload = Buffer.alloc(length, "abc");
    const got: [number, Buffer][] = [];
    const decoder = new FrameDecoder((opcode, bytes) => got.push([opcode, bytes]));
    const bytes = Buffer.concat([masked(2, payload), masked(8, Buffer.alloc(0))]);
    for (let at = 0; at < bytes.length; at += 1000) expect(decoder.push(bytes.subarray(at, at + 1000))).toBe(true);
    expect(got).toEqual([
      [2, payload],
      [8, Buffer.alloc(0)],
    ]);
  });
  test("unmasked or huge ones are refused", () => {
    expect(new FrameDecoder(() => {}).push(encodeFrame(1, Buffer.from("x")))).toBe(false);
    expect(new FrameDecoder(() => {}).push(Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]))).toBe(false);
  });
});
