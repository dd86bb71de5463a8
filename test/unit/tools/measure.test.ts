import { expect, test } from "vitest";
import { measure, quantile, shuffled, summarise } from "../../bench/measure.ts";

test("median and p95 are values that were measured", () => {
  const values = Array.from({ length: 20 }, (_, i) => 20 - i);
  expect(summarise(values)).toEqual({ n: 20, min: 1, median: 10, p95: 19 });
  expect(quantile([7], 0.95)).toBe(7);
});

test("a shuffle keeps every case", () => {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const items = ["a", "b", "c", "d"];
  expect(shuffled(items, random).toSorted()).toEqual(items);
  expect(items).toEqual(["a", "b", "c", "d"]);
});

test("warm-up rounds do not count, and a failing case does not stop the others", async () => {
  let calls = 0;
  const results = await measure(
    [
      { engine: "good", sample: async () => (calls += 1) },
      { engine: "bad", sample: () => Promise.reject(new Error("no socket")) },
    ],
    { n: 3, warmUps: 2 },
  );
  expect(results.get("good")).toEqual({ n: 3, min: 3, median: 4, p95: 5 });
  expect(results.get("bad")).toEqual(new Error("no socket"));
});
