import { expect, it } from "vitest";
import { startFakeDaemon } from "./fake-daemon.ts";
import { ctr } from "./in-process.ts";

const ESCAPE = "\u001b[";
const terminal = { columns: 80, rows: 24 };
const nobody = "unix:///nonexistent/tare.sock";
const help = (options: Parameters<typeof ctr>[2]) => ctr(nobody, ["run", "--help"], options);

it("is bold on a terminal and plain everywhere else, with the same words", async () => {
  const painted = await help({ terminal });
  expect(painted.stdout).toContain(`${ESCAPE}1mUsage:${ESCAPE}0m`);
  expect(painted.stdout).toContain(`${ESCAPE}1mLimits:${ESCAPE}0m`);
  for (const plain of [
    await help({}),
    await help({ terminal, env: { NO_COLOR: "1" } }),
    await help({ terminal, env: { TERM: "dumb" } }),
  ]) {
    expect(plain.stdout).not.toContain(ESCAPE);
    expect(painted.stdout.replaceAll(/\u001b\[\d+m/g, "")).toBe(plain.stdout);
  }
});

it("paints what an error is, and only on a terminal", async () => {
  await using daemon = await startFakeDaemon();
  const painted = await ctr(daemon.host, ["rm", "nosuch"], { terminal });
  const plain = await ctr(daemon.host, ["rm", "nosuch"], {});
  expect(plain.stderr).toMatch(/^Error response from daemon:/);
  expect(painted.stderr).toContain(`${ESCAPE}31mError response from daemon:${ESCAPE}0m`);
});
