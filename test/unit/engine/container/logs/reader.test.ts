import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLog } from "../../../../../engine/container/logs/reader.ts";
import type { LogOptions } from "../../../../../engine/types.ts";

const ALL: LogOptions = {
  follow: false,
  stdout: true,
  stderr: true,
  since: null,
  until: null,
  tail: null,
  timestamps: false,
  details: false,
};
let dir = "";
let path = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tare-log-"));
  path = join(dir, "c-json.log");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Go's encoding, as the monitor writes it. */
const goString = (text: string): string =>
  JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
const at = (second: number): string => `2026-11-22T15:04:${String(second).padStart(2, "0")}.5Z`;
const record = (log: string, stream = "stdout", time = at(5), attrs = ""): string =>
  `{"log":${goString(log)},"stream":"${stream}"${attrs === "" ? "" : `,"attrs":${attrs}`},"time":"${time}"}\n`;

const closed = Promise.resolve();
async function read(options: Partial<LogOptions> = {}, raw = true): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readLog({ path, raw, closed }, { ...ALL, ...options })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
const text = async (options: Partial<LogOptions> = {}): Promise<string> => (await read(options)).toString("utf8");

test("frames: one per record, stream and length in the header", async () => {
  writeFileSync(path, record("out\n") + record("err\n", "stderr"));
  const bytes = await read({}, false);
  expect([...bytes.subarray(0, 8)]).toEqual([1, 0, 0, 0, 0, 0, 0, 4]);
  expect(bytes.subarray(8, 12).toString()).toBe("out\n");
  expect([...bytes.subarray(12, 20)]).toEqual([2, 0, 0, 0, 0, 0, 0, 4]);
});

test("any text comes back as it was, whatever is in it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "grapheme", maxLength: 60 }), { maxLength: 20 }), async (lines) => {
      const texts = lines.map((line) => `${line.toWellFormed()}\n`);
      writeFileSync(path, texts.map((line) => record(line)).join(""));
      expect(await text()).toBe(texts.join(""));
    }),
    { numRuns: 200 },
  );
});

test("texts that look like the record's own keys", async () => {
  const nasty = ['","stream":"stderr","time":"x"}', '","attrs":{"a":"b"},"time":"', "\\", '\\"', '"}', "}\\n"];
  writeFileSync(path, nasty.map((line) => record(`${line}\n`, "stdout", at(1), '{"k":",\\"attrs\\":{"}')).join(""));
  expect(await text()).toBe(nasty.map((line) => `${line}\n`).join(""));
  expect(await text({ stdout: false })).toBe("");
});

test("records of other writers (other order, spaces) and garbage in between", async () => {
  writeFileSync(
    path,
    `garbage\n{"time": "${at(1)}", "stream": "stderr", "log": "x\\n"}\n\n${record("y\n")}{"log":1}\n`,
  );
  expect(await text()).toBe("x\ny\n");
  expect(await text({ stdout: false })).toBe("x\n");
});

test("timestamps have nine digits; details are sorted and escaped", async () => {
  writeFileSync(
    path,
    record("a\n", "stdout", "2026-11-22T15:04:05.12Z", '{"b":"x y","a":"&"}') +
      record("b\n", "stdout", "2026-11-22T15:04:06Z"),
  );
  expect(await text({ timestamps: true })).toBe("2026-11-22T15:04:05.120000000Z a\n2026-11-22T15:04:06.000000000Z b\n");
  expect(await text({ details: true })).toBe("a=%26,b=x+y a\n b\n");
});

test("since is inclusive, until ends; rotated files come first", async () => {
  const line = (n: number): string => record(`${n}\n`, "stdout", at(n));
  writeFileSync(`${path}.2`, line(1) + line(2));
  writeFileSync(`${path}.1`, line(3) + line(4));
  writeFileSync(path, line(5) + line(6));
  const ns = (second: number): bigint => BigInt(Date.parse(`2026-11-22T15:04:0${second}.5Z`)) * 1_000_000n;
  expect(await text()).toBe("1\n2\n3\n4\n5\n6\n");
  expect(await text({ since: ns(3) })).toBe("3\n4\n5\n6\n");
  expect(await text({ since: ns(3) + 1n, until: ns(5) })).toBe("4\n5\n");
  for (const tail of [0, 1, 2, 3, 5, 6, 7]) {
    expect(await text({ tail })).toBe(
      [1, 2, 3, 4, 5, 6]
        .slice(tail === 0 ? 6 : -tail)
        .map((n) => `${n}\n`)
        .join(""),
    );
  }
});

test("a last record that is not complete is not shown", async () => {
  writeFileSync(path, record("whole\n") + record("half\n").slice(0, 20));
  expect(await text()).toBe("whole\n");
  expect(await text({ tail: 1 })).toBe("whole\n");
});

test("no file, no lines", async () => {
  expect(await text()).toBe("");
});

test("follow: a writer that rotates, readers that come at any time: every line once, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          lines: fc.integer({ min: 0, max: 30 }),
          rotate: fc.boolean(),
          join: fc.boolean(),
          split: fc.boolean(),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      fc.integer({ min: 2, max: 4 }),
      async (steps, files) => {
        for (let index = 0; index < 6; index++) rmSync(index === 0 ? path : `${path}.${index}`, { force: true });
        writeFileSync(path, "");
        const end = Promise.withResolvers<void>();
        const readers: { from: number; lines: Promise<string[]> }[] = [];
        let written = 0;
        for (const step of steps) {
          if (step.join) readers.push({ from: -1, lines: collect(end.promise) });
          for (let i = 0; i < step.lines; i++) {
            const bytes = record(`${written++}\n`);
            if (step.split) {
              appendFileSync(path, bytes.slice(0, 15));
              await turn();
              appendFileSync(path, bytes.slice(15));
            } else appendFileSync(path, bytes);
          }
          if (step.rotate) {
            // Readers keep up, as they do when files are not tiny: a file may only vanish after it was read.
            await settled(readers.length);
            for (let index = files - 2; index >= 0; index--)
              tryRename(index === 0 ? path : `${path}.${index}`, `${path}.${index + 1}`);
            writeFileSync(path, "");
          }
        }
        end.resolve();
        for (const { lines } of readers) {
          const seen = await lines;
          const first = Number(seen[0] ?? written);
          expect(seen).toEqual(Array.from({ length: written - first }, (_, index) => String(first + index)));
        }
      },
    ),
    { numRuns: 60 },
  );
});

function tryRename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // Not rotated that often yet.
  }
}
async function settled(readers: number): Promise<void> {
  for (let i = 0; i < 20 * readers; i++) await turn();
}
async function collect(end: Promise<void>): Promise<string[]> {
  let all = "";
  for await (const chunk of readLog({ path, raw: true, closed: end }, { ...ALL, follow: true })) all += String(chunk);
  return all.split("\n").slice(0, -1);
}

test("follow ends when until passes and when it is aborted", async () => {
  writeFileSync(path, record("a\n"));
  const never = new Promise<void>(() => {});
  const until = BigInt(Date.now()) * 1_000_000n + 20_000_000n;
  let seen = "";
  for await (const chunk of readLog({ path, raw: true, closed: never }, { ...ALL, follow: true, until }))
    seen += String(chunk);
  expect(seen).toBe("a\n");
  const abort = new AbortController();
  for await (const _ of readLog({ path, raw: true, closed: never }, { ...ALL, follow: true }, abort.signal))
    abort.abort();
});
