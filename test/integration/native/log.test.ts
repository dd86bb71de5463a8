import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { STDIO, sys } from "../../../native/binding/index.ts";
import { Fixture, isAlive, until } from "./fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.dispose());

const raw = (): string => readFileSync(fixture.logPath, "utf8");
/** Logs exactly these bytes as one write of a program that copies its input. */
async function logBytes(bytes: Uint8Array, log = {}): Promise<void> {
  const handle = fixture.launch({ argv: ["cat"], stdio: STDIO.stdin, log });
  await handle.waitFor("execed");
  const session = await fixture.client().attach({ stdin: true });
  await session.write(bytes);
  session.endStdin();
  await handle.waitFor("exit");
  await handle.closed;
}

describe("the json-file format", () => {
  test("is Docker's byte for byte", async () => {
    await logBytes(Buffer.from('<a href="x">\t&\\\r\u2028\u007fé\n'));
    expect(raw()).toMatch(
      /^\{"log":"\\u003ca href=\\"x\\"\\u003e\\u0009\\u0026\\\\\\r\\u2028\u007fé\\n","stream":"stdout","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"\}\n$/,
    );
  });

  test("invalid UTF-8 becomes one replacement per byte, valid sequences stay", async () => {
    await logBytes(Buffer.from([0xff, 0x61, 0xc3, 0x28, 0xe2, 0x82, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0x80, 0x0a]));
    expect(raw()).toContain('"log":"\\ufffda\\ufffd(\\ufffd\\ufffd😀\\ufffd\\ufffd\\ufffd\\n"');
  });

  test("attributes stand between stream and time, as they were given", async () => {
    await logBytes(Buffer.from("x\n"), { attrs: '{"label":"<v>"}' });
    expect(raw()).toMatch(/^\{"log":"x\\n","stream":"stdout","attrs":\{"label":"<v>"\},"time":"/);
  });

  test("the time is now", async () => {
    const before = Date.now();
    await logBytes(Buffer.from("x\n"));
    const time = Date.parse(fixture.records()[0]?.time as string);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
  });

  test("a last line without newline is kept without one", async () => {
    await logBytes(Buffer.from("one\ntwo"));
    expect(fixture.records().map(({ log }) => log)).toEqual(["one\n", "two"]);
  });

  test.each([16_383, 16_384, 16_385, 100_000])(
    "a line of %i bytes is cut into pieces of 16 KiB that share a time",
    async (length) => {
      const line = `${"x".repeat(length)}\n`;
      await logBytes(Buffer.from(line));
      const records = fixture.records();
      expect(records.map(({ log }) => log).join("")).toBe(line);
      expect(records.slice(0, -1).every(({ log }) => log.length === 16_384)).toBe(true);
      expect(records).toHaveLength(Math.floor(length / 16_384) + 1);
      expect(new Set(records.map(({ time }) => time)).size).toBe(1);
    },
  );

  test("every escape at every place of a line, and lines that go across chunks, are as Go would write them", async () => {
    const specials = [
      '"',
      "\\",
      "<",
      ">",
      "&",
      "\r",
      "\t",
      "\u0001",
      "\u007f",
      "é",
      "\u2028",
      "\u2029",
      "😀",
      "=",
      "?",
      "]",
    ];
    const lines = specials.flatMap((special) =>
      Array.from({ length: 36 }, (_, at) => `${"x".repeat(at)}${special}${"y".repeat((at * 7) % 40)}\n`),
    );
    for (const length of [16_383, 16_384, 40_000]) lines.push(`${"&".repeat(length)}\n`);
    // many chunks of the monitor, with line ends everywhere in them
    const text = Array.from({ length: 12 }, () => lines.join("")).join("#");
    await logBytes(Buffer.from(text));
    const pieces = text.split(/(?<=\n)/).flatMap((line) => {
      const cut: string[] = [];
      let rest = line;
      // ASCII only when it is that long
      for (; rest.length > 16_384; rest = rest.slice(16_384)) cut.push(rest.slice(0, 16_384));
      return [...cut, rest];
    });
    const goString = (piece: string): string =>
      JSON.stringify(piece).replace(/[<>&\u2028\u2029]|\\[tbf]/g, (found) => {
        const code = found.length === 1 ? found.charCodeAt(0) : { t: 9, b: 8, f: 12 }[found[1] as "t" | "b" | "f"];
        return `\\u${code.toString(16).padStart(4, "0")}`;
      });
    const logged = raw()
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/,"stream":.*$/, ""));
    expect(logged).toEqual(pieces.map((piece) => `{"log":${goString(piece)}`));
  });

  test("bytes in, bytes out for everything a terminal may print", async () => {
    const bytes = Buffer.from(Array.from({ length: 128 }, (_, code) => code));
    await logBytes(bytes);
    expect(fixture.logged("stdout")).toBe(bytes.toString("latin1"));
  });
});

describe("rotation", () => {
  test("keeps maxFiles files, each a little over maxBytes at most, and no line is lost between them", async () => {
    await fixture.runToEnd({ argv: ["lines", "3000", "100"], log: { maxBytes: 100_000, maxFiles: 4 } });
    const files = readdirSync(fixture.dir).filter((name) => name.startsWith("log.json"));
    expect(files.sort()).toEqual(["log.json", "log.json.1", "log.json.2", "log.json.3"]);
    const numbers = ["log.json.3", "log.json.2", "log.json.1", "log.json"].flatMap((name) => {
      expect(statSync(join(fixture.dir, name)).size).toBeLessThan(101_000);
      return fixture.records(join(fixture.dir, name)).map(({ log }) => Number.parseInt(log, 10));
    });
    expect(numbers.at(-1)).toBe(3000);
    const first = numbers[0] as number;
    expect(numbers).toEqual(Array.from({ length: 3001 - first }, (_, index) => first + index));
  });

  test("with one file, starts anew", async () => {
    await fixture.runToEnd({ argv: ["lines", "2000", "100"], log: { maxBytes: 50_000, maxFiles: 1 } });
    expect(readdirSync(fixture.dir).filter((name) => name.startsWith("log.json"))).toEqual(["log.json"]);
    expect(statSync(fixture.logPath).size).toBeLessThan(51_000);
    expect(fixture.records().at(-1)?.log.startsWith("2000")).toBe(true);
  });

  test("a log of an earlier run is continued and counts", async () => {
    const old = `${JSON.stringify({ log: "old\n", stream: "stdout", time: "2026-01-01T00:00:00Z" })}\n`;
    writeFileSync(fixture.logPath, old);
    await fixture.runToEnd({ argv: ["echo", "new"] });
    expect(fixture.records().map(({ log }) => log)).toEqual(["old\n", "new\n"]);
    await fixture.runToEnd({ argv: ["echo", "newer"], log: { maxBytes: 10, maxFiles: 2 } });
    expect(fixture.records().map(({ log }) => log)).toEqual(["newer\n"]);
    expect(existsSync(`${fixture.logPath}.1`)).toBe(true);
  });
});

test("a full disk drops whole lines, is reported, and does not stop the container; space ends it", async () => {
  const disk = join(fixture.dir, "disk");
  mkdirSync(disk);
  sys.mount("tmpfs", disk, "tmpfs", 0, "size=64k");
  try {
    const path = join(disk, "log.json");
    const handle = fixture.launch({ argv: ["cat"], stdio: STDIO.stdin, log: { path } });
    await handle.waitFor("execed");
    const session = await fixture.client().attach({ stdin: true, stdout: true, raw: true });
    session.output.resume();
    const line = `${"x".repeat(99)}\n`;
    for (let i = 0; i < 20; i++) await session.write(Buffer.from(line.repeat(50)));
    const error = await handle.waitFor("log_error");
    expect(error).toMatchObject({ errno: 28, path });
    sys.mount("none", disk, "", 32 /* MS_REMOUNT */, "size=10m");
    // writes again at the next chunk
    await until("recovery", () => {
      void session.write(Buffer.from("again\n"));
      return handle.reports.all.some(({ at, errno }) => at === "log_error" && errno === 0);
    });
    session.endStdin();
    expect(await handle.waitFor("exit")).toMatchObject({ code: 0 });
    await handle.closed;
    const records = fixture.records(path);
    expect(records.length).toBeGreaterThan(100);
    expect(records.every(({ log }) => log === line || log === "again\n")).toBe(true);
    const recovered = handle.reports.all.find(({ at, errno }) => at === "log_error" && errno === 0);
    const lost = recovered?.dropped as number;
    expect(records.filter(({ log }) => log === line).length + lost).toBeGreaterThanOrEqual(1000);
  } finally {
    sys.umount2(disk, sys.MNT.detach);
  }
});

test("an exit file that cannot be written is not lost: the monitor stays, answers, and tries again", async () => {
  const disk = join(fixture.dir, "disk");
  mkdirSync(disk);
  sys.mount("tmpfs", disk, "tmpfs", 0, "size=4k,nr_inodes=2");
  try {
    writeFileSync(join(disk, "full"), Buffer.alloc(4096));
    const exitPath = join(disk, "exit");
    const plan = fixture
      .plan({ argv: ["cat"], stdio: STDIO.stdin })
      .map((r) => (r.op === "monitor" ? { ...r, exitPath } : r));
    const handle = fixture.launchPlan(plan, { early: "start" });
    await handle.waitFor("execed");
    const session = await fixture.client().attach({ stdin: true });
    handle.close();
    await handle.closed;
    session.endStdin();
    await until("ended", () => !isAlive(handle.reports.find("execed")?.pid as number));
    expect(existsSync(exitPath)).toBe(false);
    sys.unlinkat(sys.AT.fdcwd, join(disk, "full"));
    await until("written", () => existsSync(exitPath));
    expect(JSON.parse(readFileSync(exitPath, "utf8"))).toMatchObject({ code: 0 });
    expect(await session.reports.waitFor("exit")).toMatchObject({ code: 0 });
  } finally {
    sys.umount2(disk, sys.MNT.detach);
  }
});
