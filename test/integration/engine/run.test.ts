/** Whole runs through the engine's door. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { footprint, settled, tree } from "../../support/machine.ts";
import { canRun, LOGS, type Machine, openMachine } from "./engine.ts";

describe.skipIf(!canRun)("runs", () => {
  let m: Machine;
  beforeAll(async () => {
    m = await openMachine();
  });
  afterAll(() => m?.[Symbol.asyncDispose]());

  test.each([0, 1, 3, 125, 126, 127, 255])("exit code %i", async (code) => {
    expect(await m.run(["sh", "-c", `exit ${code}`])).toEqual({ output: "", exitCode: code });
  });

  test("a signal ends it with 128 + its number", async () => {
    const id = await m.up(["sh", "-c", "kill -KILL $$; sleep 1000"]);
    await m.engine.containers.kill(id, "");
    expect(m.engine.containers.find(id).state).toMatchObject({ status: "exited", exitCode: 137, signal: 9 });
    const other = await m.up(["sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do usleep 1000; done"]);
    for await (const _ of m.engine.containers.logs(other, { ...LOGS, follow: true })) break;
    await m.engine.containers.stop(other, { signal: null, timeoutSeconds: null });
    expect(m.engine.containers.find(other).state).toMatchObject({ status: "exited", exitCode: 7 });
  });

  test("hostname, environment, working directory and user are as asked", async () => {
    const config = { env: ["A=1", "B"], workingDir: "/new/dir", user: "daemon", hostname: "box" };
    const { output } = await m.run(
      ["sh", "-c", "hostname; pwd; id -u; id -G; echo $A-$B-$HOME-$HOSTNAME; cat /etc/hostname"],
      { config },
    );
    expect(output.split("\n")).toEqual(
      ["box", "/new/dir", "1", "1 29", "1--/usr/sbin-box", "box", ""].map((line, i) =>
        i === 4 ? expect.stringMatching(/^1--.*-box$/) : line,
      ),
    );
  });

  test.each([
    [{ defaultAction: "SCMP_ACT_ERRNO", syscalls: [] }, false],
    [{ defaultAction: "SCMP_ACT_ERRNO", syscalls: [] }, true],
    [
      { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["exit", "exit_group"], action: "SCMP_ACT_ERRNO" }] },
      true,
    ],
    [{ defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["rt_sigtimedwait"], action: "SCMP_ACT_ERRNO" }] }, true],
  ])(
    "a filter that forbids our own last calls ends the container, it does not spin: %j init %s",
    async (filter, init) => {
      const host = { init, securityOpt: [`seccomp=${JSON.stringify(filter)}`] };
      expect((await m.run(["sleep", "0"], { host })).exitCode).not.toBe(0);
    },
  );

  test("groups are added by number and by name, for its execs too; an unknown one has its name in the error", async () => {
    const host = { groupAdd: ["4321", "daemon"] };
    const id = await m.up(["sleep", "1000"], { host });
    expect((await m.exec(id, ["id", "-G"])).output).toBe("0 1 4321\n");
    await m.engine.containers.remove(id, { force: true, volumes: false });
    expect((await m.run(["id", "-G"], { host })).output).toBe("0 1 4321\n");
    const bad = await m.create(["true"], { host: { groupAdd: ["nosuch"] } });
    await expect(m.engine.containers.start(bad)).rejects.toThrow("unable to find group nosuch");
    await m.engine.containers.remove(bad, { force: false, volumes: false });
  });

  test.each([
    [{ volumesFrom: ["nosuch"] }, "invalid VolumesFrom: No such container: nosuch"],
    [{ storageOpt: { size: "1G" } }, "--storage-opt size: a limit on the writable layer cannot be enforced"],
  ])("create refuses %j", async (host, message) => {
    await expect(m.create(["true"], { host })).rejects.toMatchObject({
      kind: "invalid",
      message: expect.stringContaining(message) as unknown,
    });
  });

  test("network host: the host's name and hosts file", async () => {
    const { output } = await m.run(["sh", "-c", "hostname; cat /etc/hosts"], { host: { networkMode: "host" } });
    expect(output).toBe(`${hostname()}\n${readFileSync("/etc/hosts", "utf8")}`);
  });

  test.each([
    [["/nope"], {}, 127, "no such file or directory"],
    [["nope"], {}, 127, "executable file not found in $PATH"],
    [["/etc/passwd"], {}, 126, "permission denied"],
    [["/etc"], {}, 126, "denied"],
    [["true"], { user: "nobody2" }, null, "unable to find user nobody2: no matching entries in passwd file"],
  ])("cannot start %j %j", async (cmd, config, exitCode, message) => {
    const before = footprint(m.marks).processes;
    const id = await m.create(cmd, { config });
    await expect(m.engine.containers.start(id)).rejects.toThrow(message);
    const { state } = m.engine.containers.find(id);
    expect(state).toMatchObject({ status: "created", error: expect.stringContaining(message) as unknown });
    if (exitCode !== null) expect(state).toMatchObject({ exitCode });
    await m.engine.containers.remove(id, { force: false, volumes: false });
    await settled(() => footprint(m.marks).processes, before);
  });

  test("binds, created sources, tmpfs and read-only", async () => {
    const source = join(m.root, "made/by/start");
    const file = join(m.root, "file");
    writeFileSync(file, "host\n");
    const host = { binds: [`${source}:/b`, `${file}:/f:ro`], tmpfs: { "/t": "size=1m" }, readonlyRootfs: true };
    const { output } = await m.run(["sh", "-c", "echo x > /b/x; cat /f; echo > /f; touch /t/ok /root/no; ls /t"], {
      host,
    });
    expect(output).toContain("host\n");
    expect(output).toMatch(/f: Read-only file system/);
    expect(output).toMatch(/root\/no: Read-only file system/);
    expect(output).toMatch(/^ok$/m);
    expect(readFileSync(join(source, "x"), "utf8")).toBe("x\n");
  });

  test("an image's volume is filled from the image, with owners and links, and goes with the container", async () => {
    await m.load({
      reference: "vol:1",
      files: { "data/sub/file": "from the image\n" },
      config: { Volumes: { "/data": {} } },
    });
    const config = { image: "vol:1" };
    expect((await m.run(["cat", "/data/sub/file"], { config })).output).toBe("from the image\n");
    const id = await m.up(["sh", "-c", "echo more > /data/new"], { config });
    await m.engine.containers.wait(id, "not-running").result;
    const [mount] = m.engine.containers.find(id).mounts;
    expect(readFileSync(join(mount?.source ?? "", "new"), "utf8")).toBe("more\n");
    await m.engine.containers.remove(id, { force: false, volumes: true });
    expect(existsSync(mount?.source ?? "")).toBe(false);
  });

  test("a named volume stays and is shared; volumes-from", async () => {
    expect((await m.run(["sh", "-c", "echo kept > /v/f"], { host: { binds: ["shared:/v"] } })).exitCode).toBe(0);
    const id = await m.create(["true"], { name: "owner", host: { binds: ["shared:/w:ro"] } });
    const { output } = await m.run(["sh", "-c", "cat /w/f; touch /w/g"], { host: { volumesFrom: ["owner"] } });
    expect(output).toMatch(/^kept\n.*Read-only/s);
    await m.engine.containers.remove(id, { force: false, volumes: true });
    expect(m.engine.volumes.find("shared").name).toBe("shared");
  });

  test("limits, pause, top, usage, update, size", async () => {
    const id = await m.up(["sh", "-c", "dd if=/dev/zero of=/big bs=1k count=100 2>/dev/null; sleep 1000"], {
      host: { memory: 64 << 20, pidsLimit: 20 },
    });
    const { containers } = m.engine;
    await m.exec(id, ["sh", "-c", "while ! grep -q sleep /proc/1/cmdline /proc/*/cmdline; do usleep 1000; done"]);
    expect((await containers.usage(id))?.memory.limit).toBe(64 << 20);
    await containers.update(id, { resources: { memory: 96 << 20, memorySwap: 192 << 20 }, restartPolicy: null });
    expect((await containers.usage(id))?.memory.limit).toBe(96 << 20);
    await containers.pause(id);
    await expect(m.exec(id, ["true"])).rejects.toThrow("is paused, unpause the container before exec");
    await containers.unpause(id);
    const { titles, processes } = await containers.top(id, "-o pid,args");
    expect(titles).toEqual(["PID", "COMMAND"]);
    expect(processes.map(([, command]) => command)).toContain("sleep 1000");
    expect((await containers.size(id)).sizeRw).toBeGreaterThanOrEqual(100 * 1024);
    await containers.remove(id, { force: true, volumes: true });
  });

  test("out of memory: 137, OOMKilled, event before die", async () => {
    const id = await m.up(["sh", "-c", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"], {
      host: { memory: 16 << 20, memorySwap: 16 << 20 },
    });
    await m.engine.containers.wait(id, "not-running").result;
    expect(m.engine.containers.find(id).state).toMatchObject({ status: "exited", exitCode: 137, oomKilled: true });
    const actions = m.engine.events
      .recent()
      .filter(({ actorId }) => actorId === id)
      .map(({ action }) => action);
    expect(actions).toEqual(["create", "start", "oom", "die"]);
    await m.engine.containers.remove(id, { force: true, volumes: true });
  });

  test("a container that joins another's network and pid namespaces; refused when that does not run", async () => {
    const first = await m.up(["sleep", "1000"], { name: "first" });
    const joined = { networkMode: "container:first", pidMode: "container:first" };
    const { output } = await m.run(
      ["sh", "-c", "readlink /proc/self/ns/net; readlink /proc/1/ns/net; ps | grep -c 'sleep 1000'; hostname"],
      { host: joined },
    );
    const [own, theirs, count] = output.split("\n");
    expect(own).toBe(theirs);
    expect(Number(count)).toBeGreaterThanOrEqual(1);
    await m.engine.containers.remove(first, { force: true, volumes: false });
    await expect(m.create(["true"], { host: joined }).then((id) => m.engine.containers.start(id))).rejects.toThrow(
      "No such container: first",
    );
  });

  test("fifty at once: all run, all end, nothing is left", async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, (_, i) => m.up(["sh", "-c", `exit ${i}`])));
    const codes = await Promise.all(ids.map((id) => m.engine.containers.wait(id, "not-running").result));
    expect(codes.map(({ exitCode }) => exitCode)).toEqual(ids.map((_, i) => i));
    await Promise.all(ids.map((id) => m.engine.containers.remove(id, { force: false, volumes: false })));
  });

  test("at the end nothing is left", async () => {
    for (const { id } of m.engine.containers.list())
      await m.engine.containers.remove(id, { force: true, volumes: true });
    const config = m.engine.config;
    await settled(() => tree(join(config.dataRoot, "containers")), []);
    await settled(() => readdirSync(join(config.execRoot, "r")), []);
    await settled(() => footprint(m.marks).mounts, []);
    expect(m.logged.filter((line) => !line.includes("is not available"))).toEqual([]);
  });
});
