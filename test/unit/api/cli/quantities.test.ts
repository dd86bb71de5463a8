import { describe, expect, it } from "vitest";
import { parseBytes, parseDuration, parseNanoCpus } from "../../../../api/cli/parse/quantities.ts";
import { parseTimestamp } from "../../../../api/cli/parse/times.ts";

describe("durations, in nanoseconds", () => {
  it.each([
    ["0", 0],
    ["1ns", 1],
    ["1.5s", 1.5e9],
    ["1h2m3s", 3723e9],
    ["-1m", -60e9],
    ["+.5us", 500],
    ["2µs", 2000],
    ["1.s", 1e9],
  ])("%s", (text, nanos) => {
    expect(parseDuration(text)).toBe(nanos);
  });

  it.each([
    ["", 'time: invalid duration ""'],
    ["3", 'time: missing unit in duration "3"'],
    ["3x", 'time: unknown unit "x" in duration "3x"'],
    [".s", 'time: invalid duration ".s"'],
    ["3000000000h", 'time: invalid duration "3000000000h"'],
    ["1h x", 'time: unknown unit "h x" in duration "1h x"'],
  ])("refuses %j", (text, message) => {
    expect(() => parseDuration(text)).toThrow(message);
  });
});

describe("sizes, in bytes", () => {
  it.each([
    ["0", 0],
    ["42", 42],
    ["1k", 1024],
    ["1K", 1024],
    ["1kb", 1024],
    ["1KiB", 1024],
    ["1.5g", 1610612736],
    ["1 m", 1048576],
    ["10b", 10],
    ["2t", 2 * 1024 ** 4],
    [".5k", 512],
  ])("%s", (text, size) => {
    expect(parseBytes(text)).toBe(size);
  });

  it.each([
    ["", "invalid size: ''"],
    ["abc", "invalid size: 'abc'"],
    ["-5", "invalid size: '-5'"],
    ["5z", "invalid suffix: 'z'"],
    ["5mm", "invalid suffix: 'mm'"],
    ["1.2.3k", 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'],
  ])("refuses %j", (text, message) => {
    expect(() => parseBytes(text)).toThrow(message);
  });
});

describe("cpus, in billionths", () => {
  it.each([
    ["1", 1e9],
    ["0.5", 5e8],
    [".25", 25e7],
    ["1.", 1e9],
    ["1/4", 25e7],
    ["1e-3", 1e6],
    ["-1", -1e9],
  ])("%s", (text, nano) => {
    expect(parseNanoCpus(text)).toBe(nano);
  });

  it.each([
    ["x", "failed to parse x as a rational number"],
    ["", "failed to parse  as a rational number"],
    [".", "failed to parse . as a rational number"],
    ["1/0", "failed to parse 1/0 as a rational number"],
    ["0.0000000001", "value is too precise"],
    ["1/3", "value is too precise"],
  ])("refuses %j", (text, message) => {
    expect(() => parseNanoCpus(text)).toThrow(message);
  });
});

describe("points in time", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  it.each([
    ["1700000000", "1700000000"],
    ["1700000000.5", "1700000000.5"],
    ["10m", `${now / 1000 - 600}.000000000`],
    ["2026-11-22T11:00:00Z", `${now / 1000 - 3600}.000000000`],
    ["2026-11-22T11:00:00.25Z", `${now / 1000 - 3600}.250000000`],
    ["2026-11-22T13:00:00+01:00", `${now / 1000}.000000000`],
  ])("%s", (text, expected) => {
    expect(parseTimestamp(text, now)).toBe(expected);
  });

  it("refuses the rest by name", () => {
    expect(() => parseTimestamp("yesterday", now)).toThrow('failed to parse value as time or duration: "yesterday"');
  });
});
