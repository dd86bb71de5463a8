/** Lists of numbers as cpuset files have them: "0-2,5". Pure. */

/** Sorted numbers, or null when the text is not a list. "" is the empty list. */
export function parseCpuset(text: string): readonly number[] | null {
  const numbers = new Set<number>();
  for (const part of text.trim() === "" ? [] : text.trim().split(",")) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (match === null) return null;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first) return null;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

/** available "" = unknown: anything is accepted and the kernel decides. */
export function isWithin(requested: readonly number[], available: string): boolean {
  const known = new Set(parseCpuset(available) ?? []);
  return available.trim() === "" || requested.every((number) => known.has(number));
}
