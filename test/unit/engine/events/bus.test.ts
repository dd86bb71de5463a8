import { expect, test } from "vitest";
import { Bus, RING_SIZE } from "../../../../engine/events/bus.ts";

const event = (n: number) => ({ type: "container", action: "start", actorId: String(n), attributes: {} }) as const;

test("times increase strictly, also when the clock stands still or goes back", () => {
  const times = [5n, 5n, 3n, 9n];
  const bus = new Bus({ now: () => times.shift() ?? 9n, after: () => () => {} });
  for (let n = 0; n < 6; n++) bus.publish(event(n));
  expect(bus.recent().map(({ timeNano }) => timeNano)).toEqual([5n, 6n, 7n, 9n, 10n, 11n]);
});

test("the ring keeps the last 256; listeners get each event once until they leave", () => {
  const bus = new Bus({ now: () => 1n, after: () => () => {} });
  const seen: string[] = [];
  const leave = bus.subscribe(({ actorId }) => {
    seen.push(actorId);
    if (actorId === "299") leave();
  });
  for (let n = 0; n < 305; n++) bus.publish(event(n));
  expect(bus.recent()).toHaveLength(RING_SIZE);
  expect(bus.recent()[0]?.actorId).toBe(String(305 - RING_SIZE));
  expect(seen).toHaveLength(300);
  expect(bus.listenerCount).toBe(0);
});
