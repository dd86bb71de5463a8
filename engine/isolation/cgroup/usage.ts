/** Texts of the accounting files → numbers. Pure. */
import type { UsageSample } from "../backend.ts";

type BlockLine = UsageSample["blkio"][number];

/** v1 blkio.*: "8:0 Read 4096" lines and a "Total" line. */
export function parseBlkioV1(text: string | null): readonly BlockLine[] {
  return (text ?? "").split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    return match === null
      ? []
      : [{ major: Number(match[1]), minor: Number(match[2]), op: match[3] as string, value: Number(match[4]) }];
  });
}

const IO_NAMES: Readonly<Record<string, string>> = { rbytes: "read", wbytes: "write" };
/** v2 io.stat: "8:0 rbytes=1 wbytes=2 …" */
export function parseIoStat(text: string | null): readonly BlockLine[] {
  return (text ?? "").split("\n").flatMap((line) => {
    const [device = "", ...pairs] = line.split(" ");
    const [major, minor] = device.split(":").map(Number);
    if (major === undefined || minor === undefined) return [];
    return pairs.flatMap((pair) => {
      const [key = "", value = "0"] = pair.split("=");
      const op = IO_NAMES[key];
      return op === undefined ? [] : [{ major, minor, op, value: Number(value) }];
    });
  });
}

/** v1 writes "unlimited" as the largest multiple of a page, v2 as "max". */
const UNLIMITED = 2 ** 62;
export const limitOrNull = (value: number | null): number | null =>
  value === null || value >= UNLIMITED ? null : value;
export const maxOrNull = (text: string | null): number | null =>
  text === null || text === "max" ? null : Number(text);
