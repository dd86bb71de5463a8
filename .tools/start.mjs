// `npm start [-- --data-root DIR --exec-root DIR]`: sets up what is missing, starts the daemon unless one answers, runs a
// container from the built-in image, says how long each phase took and what to type next.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { answers, ask, listenerPid, olderThanBuild, placesOf, startDaemon } from "./daemon.mjs";
import { bundles, isRoot, main, packages, report, ROOT, say, SetupError, shim, steps } from "./setup.mjs";

const IMAGE = "tare/hello";

async function timed(name, act) {
  const start = performance.now();
  const note = await act();
  report(name, note, performance.now() - start);
}

async function daemon(places) {
  if (!(await answers(places.socket))) return `started, pid ${await startDaemon(places)}`;
  const pid = listenerPid(places);
  if (pid === undefined || !olderThanBuild(pid)) return `running, pid ${pid ?? "unknown"}`;
  return `running, pid ${pid}, older than dist/`;
}

/** The built-in image is loaded when it is missing or not the one of this build. */
async function image(places) {
  const want = readFileSync(join(ROOT, "dist/builtin-image.id"), "utf8").trim();
  const have = await ask(places.socket, "GET", `/images/${IMAGE}:latest/json`);
  if (have.status === 200 && JSON.parse(have.body).Id === want) return `${IMAGE} up to date`;
  const loaded = await ask(
    places.socket,
    "POST",
    "/images/load?quiet=1",
    readFileSync(join(ROOT, "dist/builtin-image.tar")),
  );
  if (loaded.status !== 200) throw new SetupError(`cannot load the built-in image: ${loaded.body}`);
  return `${IMAGE} loaded`;
}

function container(places) {
  const args = ["--host", `unix://${places.socket}`, "run", "--rm", "--network", "none", IMAGE];
  const { status, error } = spawnSync(join(ROOT, "dist/ctr"), args, { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0)
    throw new SetupError(`dist/ctr ${args.join(" ")} ended with ${error?.message ?? `status ${status}`}`);
  return `${IMAGE} ran`;
}

function next({ socket }) {
  const ctr = socket === "/run/tare/tare.sock" ? "./dist/ctr" : `./dist/ctr -H unix://${socket}`;
  const lines = [
    [`${ctr} run -d --network none --name nap ${IMAGE} sleep 1000`, "one that stays"],
    [`${ctr} ps`, "what is running"],
    [`${ctr} exec nap /hello id`, "another process inside it"],
    [`${ctr} load -i busybox.tar`, "an archive of docker save, or an OCI layout"],
    [`DOCKER_HOST=unix://${socket} docker ps`, "the same daemon with Docker's own command"],
    ["npm stop", "stops the daemon; containers go on running"],
  ];
  const width = Math.max(...lines.map(([command]) => command.length));
  console.log(`Next:\n${lines.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`).join("\n")}`);
}

await main(async () => {
  const places = placesOf(process.argv.slice(2));
  steps([
    ["packages", packages],
    ["shim", shim],
    ["bundles", bundles],
  ]);
  if (!isRoot) throw new SetupError("built; starting the daemon needs root for now: run npm start as root");
  await timed("daemon", () => daemon(places));
  await timed("image", () => image(places));
  await timed("container", () => container(places));
  const pid = listenerPid(places);
  if (pid !== undefined && olderThanBuild(pid))
    say("the running daemon is older than this build: npm stop && npm start renews it");
  next(places);
});
