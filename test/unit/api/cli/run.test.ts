import { expect, it } from "vitest";
import { frame, ID, startFakeDaemon } from "./fake-daemon.ts";
import { ctr } from "./in-process.ts";

const verbs = (requests: readonly { method: string; path: string; query: Readonly<Record<string, string>> }[]) =>
  requests.map(({ path, query }) => [path.split("/").at(-1), query]);

it("attaches and waits before it starts, and ends with the container's status", async () => {
  await using daemon = await startFakeDaemon();
  daemon.output = Buffer.concat([frame(1, "out\n"), frame(2, "err\n")]);
  daemon.canned = { [`POST /containers/${ID}/wait`]: { StatusCode: 42 } };
  expect(await ctr(daemon.host, ["run", "busybox", "true"])).toEqual({ status: 42, stdout: "out\n", stderr: "err\n" });
  const seen = verbs(daemon.requests);
  expect(seen[0]?.[0]).toBe("create");
  expect(seen.slice(1, 3)).toEqual(
    expect.arrayContaining([
      ["attach", { stream: "1", stdout: "1", stderr: "1" }],
      ["wait", { condition: "next-exit" }],
    ]),
  );
  expect(seen[3]).toEqual(["start", {}]);
  expect(seen).toHaveLength(4);
});

it("waits for the removal with --rm", async () => {
  await using daemon = await startFakeDaemon();
  await ctr(daemon.host, ["run", "--rm", "busybox"]);
  expect(verbs(daemon.requests)).toContainEqual(["wait", { condition: "removed" }]);
});

it("prints the id and is done with -d", async () => {
  await using daemon = await startFakeDaemon();
  expect(await ctr(daemon.host, ["run", "-d", "busybox"])).toEqual({ status: 0, stdout: `${ID}\n`, stderr: "" });
  expect(verbs(daemon.requests).map(([verb]) => verb)).toEqual(["create", "start"]);
});

it.each([
  ['exec: "x": executable file not found in $PATH', 127],
  ["stat /x: no such file or directory", 127],
  ["exec /etc/passwd: permission denied", 126],
  ["read /: is a directory", 126],
  ["something else", 125],
])("a start that fails with %j exits %d", async (message, status) => {
  await using daemon = await startFakeDaemon();
  daemon.canned = { [`POST /containers/${ID}/start`]: () => ({ status: 400, body: { message } }) };
  for (const args of [
    ["run", "busybox"],
    ["run", "-d", "busybox"],
  ]) {
    const outcome = await ctr(daemon.host, args);
    expect(outcome).toEqual({
      status,
      stdout: "",
      stderr: `ctr: Error response from daemon: ${message}\n\nRun 'ctr run --help' for more information\n`,
    });
  }
});

it("tries to pull an image that is not there, then creates again", async () => {
  await using daemon = await startFakeDaemon();
  let created = 0;
  daemon.canned = {
    "POST /containers/create": () =>
      ++created === 1
        ? { status: 404, body: { message: "No such image: busybox:latest" } }
        : { status: 201, body: { Id: ID, Warnings: ["careful"] } },
    "POST /images/create": { status: "Status: Downloaded newer image for busybox:latest" },
  };
  const { status, stderr } = await ctr(daemon.host, ["run", "-d", "busybox"]);
  expect(status).toBe(0);
  expect(stderr).toBe(
    "Unable to find image 'busybox:latest' locally\nStatus: Downloaded newer image for busybox:latest\nWARNING: careful\n",
  );
  expect(daemon.requests[1]?.query).toEqual({ fromImage: "docker.io/library/busybox", tag: "latest" });
});

it("does not pull with --pull never, nor for another 404", async () => {
  await using daemon = await startFakeDaemon();
  daemon.canned = {
    "POST /containers/create": () => ({ status: 404, body: { message: "No such image: busybox:latest" } }),
  };
  expect((await ctr(daemon.host, ["run", "--pull", "never", "busybox"])).stderr).toContain(
    "No such image: busybox:latest",
  );
  daemon.canned = { "POST /containers/create": () => ({ status: 404, body: { message: "network foo not found" } }) };
  expect((await ctr(daemon.host, ["run", "busybox"])).stderr).toContain("network foo not found");
  expect(daemon.requests.filter(({ path }) => path === "/images/create")).toEqual([]);
});

it("sends stdin and its end, and shows the error of a failed pull stream", async () => {
  await using daemon = await startFakeDaemon();
  daemon.canned = {
    "POST /containers/create": () => ({ status: 404, body: { message: "No such image: x:latest" } }),
    "POST /images/create": { errorDetail: { message: "manifest unknown" }, error: "manifest unknown" },
  };
  const { status, stderr } = await ctr(daemon.host, ["run", "-i", "x"], { stdin: Buffer.from("hello") });
  expect(status).toBe(125);
  expect(stderr).toContain("ctr: manifest unknown\n");
});

it("needs a terminal for -it", async () => {
  await using daemon = await startFakeDaemon();
  expect(await ctr(daemon.host, ["run", "-it", "busybox"])).toEqual({
    status: 1,
    stdout: "",
    stderr: "the input device is not a TTY\n",
  });
  expect(daemon.requests).toEqual([]);
});

it("exec gives the exit code that inspect has after the stream's end", async () => {
  await using daemon = await startFakeDaemon();
  daemon.output = frame(1, "hi\n");
  daemon.canned = { "POST /containers/web/exec": { Id: "e1" }, "GET /exec/e1/json": { ExitCode: 7 } };
  const args = ["exec", "-u", "1", "-w", "/", "-e", "A=b", "web", "ls", "-la"];
  expect(await ctr(daemon.host, args)).toEqual({ status: 7, stdout: "hi\n", stderr: "" });
  expect(daemon.requests[0]?.body).toEqual({
    User: "1",
    Privileged: false,
    Tty: false,
    AttachStdin: false,
    AttachStderr: true,
    AttachStdout: true,
    DetachKeys: "",
    Env: ["A=b"],
    WorkingDir: "/",
    Cmd: ["ls", "-la"],
  });
  expect(daemon.requests[1]?.body).toEqual({ Detach: false, Tty: false });
});

it("--timings adds a table on stderr and asks the daemon for its phases", async () => {
  await using daemon = await startFakeDaemon();
  daemon.canned = {
    [`GET /containers/${ID}/timings`]: {
      Id: ID,
      Phases: [
        { Name: "begin", AtNs: 0 },
        { Name: "execed", AtNs: 2500000 },
      ],
    },
  };
  const { stderr } = await ctr(daemon.host, ["run", "--timings", "busybox"]);
  expect(stderr).toMatch(
    /PHASE +AT +TOOK\n(.*\n)*create .* ms\n(.*\n)*START IN THE DAEMON +AT +TOOK\nbegin +0.00 ms +0.00 ms\nexeced +2.50 ms +2.50 ms\n/,
  );
});
