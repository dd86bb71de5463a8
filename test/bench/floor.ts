/** The floor program (floor.c) and crun, both on one unpacked busybox. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/process.ts";
import type { Case } from "./measure.ts";

const must = (command: string, args: readonly string[]): void => {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
};

export interface Floor {
  /** A case that measures until the program executes, or until everything is gone again. */
  case(what: "exec" | "done"): Case;
  readonly rootfs: string;
}

export function makeFloor(root: string): Floor {
  const program = join(root, "floor");
  const rootfs = join(root, "floor-rootfs");
  const scratch = join(root, "floor-scratch");
  mkdirSync(join(rootfs, "bin"), { recursive: true });
  mkdirSync(scratch, { recursive: true });
  for (const name of ["proc", "dev", "sys"]) mkdirSync(join(rootfs, name), { recursive: true });
  must("gcc", ["-O2", "-static", "-o", program, join(import.meta.dirname, "floor.c")]);
  must("cp", ["/bin/busybox", join(rootfs, "bin/busybox")]);
  for (const name of ["true", "echo", "sh"]) must("ln", ["-f", join(rootfs, "bin/busybox"), join(rootfs, "bin", name)]);
  const sample = (what: "exec" | "done") => async (): Promise<number> => {
    const { stdout, stderr } = await run(program, [scratch, rootfs, "/bin/true"]);
    if (stdout === "") throw new Error(stderr);
    return (JSON.parse(stdout) as Record<string, number>)[what]! / 1e6;
  };
  return { case: (what) => ({ engine: "floor", sample: sample(what) }), rootfs };
}

/** Spec of an ordinary container as `crun spec` writes it, with a program that says one word when it executes. */
function bundle(peersRoot: string, rootfs: string, enter: readonly string[]): string {
  const dir = mkdtempSync(join(peersRoot, "var/tmp/bundle-"));
  must("cp", ["-a", rootfs, join(dir, "rootfs")]);
  const inside = dir.slice(peersRoot.length);
  must(enter[0] ?? "", [...enter.slice(1), "sh", "-c", `cd ${inside} && crun spec`]);
  const file = join(dir, "config.json");
  const spec = JSON.parse(readFileSync(file, "utf8"));
  spec.process.terminal = false;
  spec.process.args = ["/bin/echo", "x"];
  writeFileSync(file, JSON.stringify(spec));
  return inside;
}

/** `crun run` until the first byte of the program's output. What nsenter costs is measured once and taken off. */
export function crunCase(peersRoot: string, rootfs: string, enter: readonly string[]): Case {
  const dir = bundle(peersRoot, rootfs, enter);
  let count = 0;
  const firstByte = (args: readonly string[]): Promise<number> => {
    const start = performance.now();
    const child = spawn(enter[0] ?? "", [...enter.slice(1), ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    return new Promise((resolve, reject) => {
      let at: number | undefined;
      child.stdout.once("data", () => (at = performance.now() - start));
      child.on("close", () => (at === undefined ? reject(new Error(errors)) : resolve(at)));
    });
  };
  return {
    engine: "crun",
    sample: async () => {
      const overhead = await firstByte(["/bin/echo", "x"]);
      count += 1;
      return (
        (await firstByte([
          "crun",
          "--cgroup-manager=cgroupfs",
          "run",
          "--bundle",
          dir,
          `bench-${process.pid}-${count}`,
        ])) - overhead
      );
    },
  };
}
