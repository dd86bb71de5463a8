/** Replies that both docker's command line and ours understand; ages are whole so that both say the same. */
import { frame, ID, type Canned } from "./fake-daemon.ts";

const DAY = 86400;
const OTHER = "a".repeat(64);

const container = {
  Id: ID,
  Created: "2026-01-01T00:00:00.5Z",
  Path: "sh",
  Args: ["-c", "x"],
  Name: "/web",
  State: {
    Status: "running",
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 42,
    ExitCode: 0,
    Error: "",
    StartedAt: "2026-01-01T00:00:00.5Z",
    FinishedAt: "0001-01-01T00:00:00Z",
  },
  Image: "sha256:abc",
  RestartCount: 0,
  Config: {
    Hostname: "h",
    User: "",
    Env: ["A=b", "C=d"],
    Cmd: ["x"],
    Entrypoint: null,
    Labels: { b: "2", a: "1" },
    Volumes: null,
    Tty: false,
  },
  HostConfig: {
    Binds: null,
    Memory: 0,
    NanoCpus: 500000000000000000n,
    CapAdd: null,
    ShmSize: 0,
    AutoRemove: false,
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    OomKillDisable: null,
    PidsLimit: null,
    LogConfig: { Type: "json-file", Config: {} },
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  },
  GraphDriver: { Data: null, Name: "overlay2" },
  Mounts: [],
  NetworkSettings: {
    IPAddress: "172.17.0.2",
    Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] },
    Networks: { bridge: { IPAddress: "172.17.0.2", Aliases: null } },
  },
};

const port = (PrivatePort: number, more: object = {}) => ({ PrivatePort, Type: "tcp", ...more });
const containers = (now: number) => [
  {
    Id: ID,
    Names: ["/web"],
    Image: "busybox",
    ImageID: "sha256:abcd",
    Command: "sh -c 'sleep 1000 and a long thing'",
    Created: now - 125,
    Labels: { a: "1", b: "2" },
    State: "running",
    Status: "Up 2 minutes",
    Ports: [
      port(80, { IP: "0.0.0.0", PublicPort: 8080 }),
      port(80, { IP: "::", PublicPort: 8080 }),
      port(443),
      port(81),
      port(82),
    ],
    HostConfig: { NetworkMode: "bridge" },
    NetworkSettings: { Networks: { bridge: {} } },
    Mounts: [
      {
        Type: "volume",
        Name: "averyveryverylongname",
        Source: "/x",
        Destination: "/data",
        Driver: "local",
        Mode: "z",
        RW: true,
        Propagation: "",
      },
      {
        Type: "bind",
        Source: "/averyveryveryverylongpath",
        Destination: "/b",
        Mode: "",
        RW: true,
        Propagation: "rprivate",
      },
    ],
    SizeRw: 1234,
    SizeRootFs: 123456789,
  },
  {
    Id: OTHER,
    Names: ["/x", "/web/alias"],
    Image: `sha256:${"b".repeat(64)}`,
    ImageID: `sha256:${"b".repeat(64)}`,
    Command: "true",
    Created: now - 100000,
    Ports: [],
    Labels: {},
    State: "exited",
    Status: "Exited (0) 5 seconds ago",
    HostConfig: { NetworkMode: "none" },
    NetworkSettings: { Networks: {} },
    Mounts: [],
  },
];

const images = (now: number) => [
  {
    Id: `sha256:${"c".repeat(64)}`,
    RepoTags: ["busybox:latest", "busybox:1.36"],
    RepoDigests: [`busybox@sha256:${"d".repeat(64)}`],
    Created: now - 20 * DAY,
    Size: 4261550,
    SharedSize: -1,
    Containers: -1,
    Labels: null,
    ParentId: "",
  },
  {
    Id: `sha256:${"e".repeat(64)}`,
    RepoTags: [],
    RepoDigests: [],
    Created: now - 400 * DAY,
    Size: 0,
    SharedSize: -1,
    Containers: 1,
    Labels: { a: "b" },
    ParentId: "",
  },
];

const history = (now: number) => [
  {
    Id: `sha256:${"c".repeat(64)}`,
    Created: now - 20 * DAY,
    CreatedBy: 'CMD ["sh"]',
    Tags: ["busybox:latest"],
    Size: 0,
    Comment: "buildkit",
  },
  {
    Id: "<missing>",
    Created: now - 21 * DAY,
    CreatedBy: "/bin/sh -c #(nop) ADD file:abc in / and a very long line that is cut",
    Tags: null,
    Size: 4261550,
    Comment: "",
  },
];

const stats = {
  name: "/web",
  id: ID,
  read: "2026-01-01T00:00:02Z",
  preread: "2026-01-01T00:00:01Z",
  pids_stats: { current: 3 },
  blkio_stats: {
    io_service_bytes_recursive: [
      { major: 8, minor: 0, op: "Read", value: 1234 },
      { major: 8, minor: 0, op: "Write", value: 5678 },
    ],
  },
  cpu_stats: { cpu_usage: { total_usage: 2000000 }, system_cpu_usage: 200000000, online_cpus: 2, throttling_data: {} },
  precpu_stats: { cpu_usage: { total_usage: 1000000 }, system_cpu_usage: 100000000 },
  memory_stats: { usage: 5000000, stats: { total_inactive_file: 1000000 }, limit: 100000000 },
  networks: { eth0: { rx_bytes: 1000, tx_bytes: 2000 } },
};

const done = () => ({ status: 204 });
const missing = (message: string) => () => ({ status: 404, body: { message } });

export function cannedDaemon(nowSeconds: number): Canned {
  const canned: Record<string, unknown> = {};
  for (const verb of ["stop", "kill", "pause", "unpause", "restart", "start", "rename"]) {
    canned[`POST /containers/web/${verb}`] = done;
    canned[`POST /containers/nope/${verb}`] = missing("No such container: nope");
  }
  for (const path of ["json", "logs", "top", "stats"])
    canned[`GET /containers/nope/${path}`] = missing("No such container: nope");
  const log = Buffer.concat([frame(1, "hi\n"), frame(2, "er\n")]);
  return {
    ...canned,
    "DELETE /containers/web": done,
    "DELETE /containers/nope": missing("No such container: nope"),
    "GET /images/nope/json": missing("No such image: nope:latest"),
    "GET /images/nope/history": missing("No such image: nope:latest"),
    "DELETE /images/nope": missing("No such image: nope:latest"),
    "DELETE /images/busybox": [{ Untagged: "busybox:latest" }, { Deleted: "sha256:abc" }],
    "POST /images/busybox/tag": () => ({ status: 201 }),
    "POST /containers/web/wait": { StatusCode: 3 },
    "POST /containers/web/update": { Warnings: ["w1"] },
    "POST /images/prune": { ImagesDeleted: [{ Untagged: "a:b" }, { Deleted: "sha256:x" }], SpaceReclaimed: 1234567 },
    "POST /containers/prune": { ContainersDeleted: ["abc"], SpaceReclaimed: 0 },
    "GET /containers/web/json": () => ({ status: 200, body: container }),
    [`GET /containers/${ID}/json`]: () => ({ status: 200, body: container }),
    [`GET /containers/${ID}/logs`]: () => ({ status: 200, body: log }),
    "GET /containers/web/logs": () => ({ status: 200, body: log }),
    "GET /containers/json": containers(nowSeconds),
    "GET /images/json": images(nowSeconds),
    "GET /images/busybox/history": history(nowSeconds),
    "GET /images/busybox/json": {
      Id: `sha256:${"c".repeat(64)}`,
      RepoTags: ["busybox:latest"],
      RepoDigests: [],
      Size: 42,
      Config: { Cmd: ["sh"] },
      RootFS: { Type: "layers", Layers: ["sha256:x"] },
    },
    "GET /containers/web/top": { Titles: ["UID", "PID", "CMD"], Processes: [["root", "123456", "sleep 1000"]] },
    "GET /containers/web/stats": stats,
    "GET /system/df": {
      LayersSize: 4261550,
      Images: images(nowSeconds),
      Containers: containers(nowSeconds),
      Volumes: [],
      BuildCache: [],
    },
  };
}
