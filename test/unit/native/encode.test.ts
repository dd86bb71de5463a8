import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodePlan,
  encodePlan,
  type FieldType,
  type LaunchPlan,
  LIMITS,
  type OpRecord,
  OPS,
  TABLE_HASH,
} from "../../../native/binding/index.ts";
import { isFresh } from "../../../native/generate.ts";

const plan: LaunchPlan = [
  { op: "monitor", id: "c", run: "r", runtimeDir: "/run/x", exitPath: "/exit", title: "" },
  { op: "oom_score", value: -500 },
  { op: "cgroup_v1", files: ["/a/tasks", "", "ü"] },
  { op: "clone", flags: 0x6c020000 },
  { op: "seccomp", filter: Buffer.from([1, 2, 3, 4, 5]), flags: 1 },
  { op: "rlimit", resource: 7, soft: (1n << 64n) - 1n, hard: 1 },
  { op: "pivot" },
];

const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => !value.includes("\0"));
const valueOf: Record<FieldType, fc.Arbitrary<unknown>> = {
  u32: fc.nat({ max: 0xffff_ffff }),
  u64: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  i64: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  str: text,
  bytes: fc.uint8Array({ maxLength: 50 }),
  strs: fc.array(text, { maxLength: 6 }),
};
const anyRecord = fc
  .constantFrom(...Object.entries(OPS))
  .chain(([op, { fields }]) =>
    fc
      .record(Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, valueOf[type as FieldType]])))
      .map((values) => ({ op, ...values }) as unknown as OpRecord),
  );
const plain = (value: unknown): unknown => {
  if (typeof value === "number") return BigInt(value);
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map((item) => item as unknown);
  return value;
};
const comparable = (records: LaunchPlan): unknown =>
  records.map((record) => Object.fromEntries(Object.entries(record).map(([key, value]) => [key, plain(value)])));

test("protocol.gen.h is fresh: run `npm run generate` after a change of protocol.ts", () => {
  expect(isFresh()).toBe(true);
});

describe("encodePlan", () => {
  test("has the header and layout of the table", () => {
    const bytes = encodePlan([
      { op: "umask", mask: 0o22 },
      { op: "hostname", name: "abcd" },
    ]);
    expect(bytes.toString("latin1", 0, 4)).toBe("TARE");
    expect(bytes.readUInt32LE(8)).toBe(bytes.length);
    expect(bytes.readUInt32LE(12)).toBe(2);
    expect(bytes.readBigUInt64LE(16)).toBe(TABLE_HASH);
    expect([...bytes.subarray(24)]).toEqual([
      ...[61, 0, 0, 0, 4, 0, 0, 0, 0o22, 0, 0, 0],
      ...[43, 0, 0, 0, 12, 0, 0, 0, 4, 0, 0, 0, 97, 98, 99, 100, 0, 0, 0, 0],
    ]);
  });

  test("round-trips", () => {
    expect(comparable(decodePlan(encodePlan(plan)))).toEqual(comparable(plan));
  });

  test("round-trips every record with any values", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 8 }), (records) => {
        expect(comparable(decodePlan(encodePlan(records)))).toEqual(comparable(records));
      }),
      { numRuns: 200 },
    );
  });

  test.each<[string, OpRecord]>([
    ["contains a NUL byte", { op: "hostname", name: "a\0b" }],
    ["contains a NUL byte", { op: "cgroup_v1", files: ["ok", "\0"] }],
    ["out of range", { op: "umask", mask: -1 }],
    ["out of range", { op: "umask", mask: 2 ** 32 }],
    ["not an integer", { op: "umask", mask: 0.5 }],
    ["not an integer", { op: "umask", mask: Number.NaN }],
    ["out of range", { op: "clone", flags: 1n << 64n }],
    ["longer than", { op: "hostname", name: "x".repeat(LIMITS.strBytes + 1) }],
  ])("refuses what does not fit: %s", (why, record) => {
    expect(() => encodePlan([{ op: "pivot" }, record])).toThrow(why);
    expect(() => encodePlan([{ op: "pivot" }, record])).toThrow(`record 1 (${record.op})`);
  });

  test("refuses too many records and too many bytes", () => {
    expect(() => encodePlan(Array.from({ length: LIMITS.records + 1 }, () => ({ op: "pivot" }) as const))).toThrow(
      /records/,
    );
    const large = "x".repeat(100_000);
    expect(() => encodePlan(Array.from({ length: 11 }, () => ({ op: "hostname", name: large }) as const))).toThrow(
      /larger/,
    );
  });
});

describe("decodePlan", () => {
  test("refuses every cut and every trailing byte", () => {
    const bytes = encodePlan(plan);
    for (let length = 0; length < bytes.length; length++) {
      const cut = Buffer.from(bytes.subarray(0, length));
      if (length >= 12) cut.writeUInt32LE(length, 8);
      expect(() => decodePlan(cut)).toThrow(RangeError);
    }
    const longer = Buffer.concat([bytes, Buffer.alloc(4)]);
    longer.writeUInt32LE(longer.length, 8);
    expect(() => decodePlan(longer)).toThrow(RangeError);
  });

  test("refuses another table's plan", () => {
    const bytes = encodePlan(plan);
    bytes.writeBigUInt64LE(1n, 16);
    expect(() => decodePlan(bytes)).toThrow(/another protocol table/);
  });
});
