/** Sizes, ages and times in Docker's words (go-units). */

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] as const;
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] as const;

/** C's %.<digits>g. */
export function formatGeneral(value: number, digits: number): string {
  if (value === 0) return "0";
  const [mantissa = "", exponent] = value.toPrecision(digits).split("e");
  const trimmed = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  if (exponent === undefined) return trimmed;
  const sign = exponent.startsWith("-") ? "-" : "+";
  return `${trimmed}e${sign}${exponent.replace(/^[+-]/, "").padStart(2, "0")}`;
}

function scale(bytes: number, base: number, units: readonly string[], digits: number): string {
  let value = bytes;
  let index = 0;
  while (value >= base && index < units.length - 1) {
    value /= base;
    index++;
  }
  return `${formatGeneral(value, digits)}${units[index] ?? ""}`;
}

/** "4.262MB" with 4 digits, "4.26MB" with 3. */
export const humanSize = (bytes: number, digits = 4): string => scale(bytes, 1000, DECIMAL, digits);
/** "4.064MiB". */
export const binarySize = (bytes: number): string => scale(bytes, 1024, BINARY, 4);

const HOUR = 3600;

/** Age in words: "About an hour", "3 weeks". */
export function humanDuration(seconds: number): string {
  const whole = Math.trunc(seconds);
  if (whole < 1) return "Less than a second";
  if (whole === 1) return "1 second";
  if (whole < 60) return `${whole} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(seconds / HOUR + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 14) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 60) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(Math.trunc(seconds / HOUR) / 24 / 365)} years`;
}

/** `created` in unix seconds, `nowMs` in milliseconds. */
export const since = (created: number, nowMs: number): string => `${humanDuration(nowMs / 1000 - created)} ago`;

const two = (value: number): string => String(value).padStart(2, "0");

function zone(date: Date): { readonly offset: string; readonly name: string } {
  const minutes = -date.getTimezoneOffset();
  const offset = `${minutes < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(minutes) / 60))}${two(Math.abs(minutes) % 60)}`;
  if (minutes === 0) return { offset, name: "UTC" };
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? offset;
  return { offset, name: name.startsWith("GMT") ? offset.slice(0, 3) : name };
}

const dayAndTime = (date: Date): [string, string] => [
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
  `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
];

/** Go's time.Time.String() in local time: "2026-11-22 15:29:52 +0000 UTC". */
export function goTime(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  const { offset, name } = zone(date);
  return `${dayAndTime(date).join(" ")} ${offset} ${name}`;
}

/** RFC 3339 in local time: "2026-11-02T15:31:57Z". */
export function rfc3339(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  const { offset } = zone(date);
  return dayAndTime(date).join("T") + (offset === "+0000" ? "Z" : `${offset.slice(0, 3)}:${offset.slice(3)}`);
}

/** RFC 3339 with nine digits of nanoseconds, from "seconds" and the nanoseconds of the whole time. */
export function rfc3339Nano(timeNano: bigint): string {
  const seconds = Number(timeNano / 1_000_000_000n);
  const nanos = String(timeNano % 1_000_000_000n).padStart(9, "0");
  return rfc3339(seconds).replace(/(Z|[+-]\d\d:\d\d)$/, `.${nanos}$1`);
}

const isWide = (code: number): boolean =>
  (code >= 0x1100 && code <= 0x115f) ||
  (code >= 0x2e80 && code <= 0xa4cf) ||
  (code >= 0xac00 && code <= 0xd7a3) ||
  (code >= 0xf900 && code <= 0xfaff) ||
  (code >= 0xfe30 && code <= 0xfe6f) ||
  (code >= 0xff00 && code <= 0xff60) ||
  (code >= 0xffe0 && code <= 0xffe6) ||
  (code >= 0x1f300 && code <= 0x1faff) ||
  (code >= 0x20000 && code <= 0x3fffd);

/** Cuts to a display width, the last column being "…". */
export function ellipsis(text: string, width: number): string {
  const characters = [...text];
  const widthOf = (character: string) => (isWide(character.codePointAt(0) ?? 0) ? 2 : 1);
  if (characters.reduce((sum, character) => sum + widthOf(character), 0) <= width) return text;
  let used = 0;
  let kept = "";
  for (const character of characters) {
    used += widthOf(character);
    if (used > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
