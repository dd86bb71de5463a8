import { expect, test } from "vitest";
import { processTable } from "../../../../engine/container/top.ts";

const titles = (args: string): readonly string[] => processTable([process.pid], args, 1 << 30).titles;

test("the columns of ps -ef, aux and -o lists", () => {
  expect(titles("")).toEqual(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
  expect(titles("-ef")).toEqual(titles(""));
  expect(titles("aux")).toEqual([
    "USER",
    "PID",
    "%CPU",
    "%MEM",
    "VSZ",
    "RSS",
    "TTY",
    "STAT",
    "START",
    "TIME",
    "COMMAND",
  ]);
  expect(titles("-o pid,comm")).toEqual(["PID", "COMMAND"]);
  expect(titles("-eo pid,user=WHO")).toEqual(["PID", "WHO"]);
});

test("this process, by its numbers", () => {
  const { processes } = processTable([process.pid, 4_000_000], "-o pid,ppid,uid,args", 1 << 30);
  expect(processes).toHaveLength(1);
  expect(processes[0]?.slice(0, 3)).toEqual([String(process.pid), String(process.ppid), String(process.getuid?.())]);
});

test.each([
  ["-o comm", "Couldn't find PID field in ps output"],
  ["-o pid,nope", 'unknown user-defined format specifier "nope"'],
  ["-ef; reboot", 'ps arguments "-ef; reboot" are not supported'],
])("refused: %s", (args, message) => {
  expect(() => titles(args)).toThrow(message);
});
