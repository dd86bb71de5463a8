import { expect, test } from "vitest";
import { delayAfterExit, startAtBoot } from "../../../../engine/container/restart-policy.ts";
import type { RestartPolicy, RestartPolicyName } from "../../../../engine/spec/config.ts";

const policy = (name: RestartPolicyName, maximumRetryCount = 0): RestartPolicy => ({ name, maximumRetryCount });
const exit = { exitCode: 1, ranMs: 50, manuallyStopped: false, restartCount: 0, previousDelayMs: 0 };

test("who restarts after an exit", () => {
  expect(delayAfterExit(policy("no"), exit)).toBeNull();
  expect(delayAfterExit(policy("always"), { ...exit, exitCode: 0 })).toBe(100);
  expect(delayAfterExit(policy("unless-stopped"), { ...exit, exitCode: 0 })).toBe(100);
  expect(delayAfterExit(policy("on-failure"), { ...exit, exitCode: 0 })).toBeNull();
  expect(delayAfterExit(policy("on-failure"), { ...exit, restartCount: 1000 })).toBe(100);
  expect(delayAfterExit(policy("on-failure", 2), { ...exit, restartCount: 1 })).toBe(100);
  expect(delayAfterExit(policy("on-failure", 2), { ...exit, restartCount: 2 })).toBeNull();
  expect(delayAfterExit(policy("always"), { ...exit, manuallyStopped: true })).toBeNull();
});

test("the delay doubles from 100 ms to a minute and starts anew after a run of ten seconds", () => {
  const delays: number[] = [];
  for (let previousDelayMs = 0; delays.length < 12; previousDelayMs = delays.at(-1) ?? 0) {
    delays.push(delayAfterExit(policy("always"), { ...exit, previousDelayMs }) ?? -1);
  }
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  expect(delayAfterExit(policy("always"), { ...exit, previousDelayMs: 60_000, ranMs: 10_000 })).toBe(100);
});

test("who is started when the daemon starts", () => {
  const facts = { everStarted: true, exitCode: 0, manuallyStopped: false, restartCount: 0 };
  expect(startAtBoot(policy("always"), { ...facts, manuallyStopped: true })).toBe(true);
  expect(startAtBoot(policy("always"), { ...facts, everStarted: false })).toBe(false);
  expect(startAtBoot(policy("unless-stopped"), facts)).toBe(true);
  expect(startAtBoot(policy("unless-stopped"), { ...facts, manuallyStopped: true })).toBe(false);
  expect(startAtBoot(policy("on-failure"), facts)).toBe(false);
  expect(startAtBoot(policy("on-failure"), { ...facts, exitCode: 1 })).toBe(true);
  expect(startAtBoot(policy("no"), facts)).toBe(false);
});
