/**
 * The same command line, given to the real docker command and to ours, against the same recording daemon: what they print,
 * how they end and what they send must be the same. Needs a docker command of version 28: older ones say things differently.
 */
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerEnv, dockerPath } from "../../../support/docker.ts";
import { run } from "../../../support/process.ts";
import { cannedDaemon } from "./canned.ts";
import { type FakeDaemon, type Recorded, startFakeDaemon } from "./fake-daemon.ts";
import { ctr } from "./in-process.ts";

const version = dockerPath === undefined ? "" : spawnSync(dockerPath, ["--version"], { encoding: "utf8" }).stdout;
const comparable = /version 28\./.test(version);

let daemon: FakeDaemon;
beforeAll(async () => {
  daemon = await startFakeDaemon();
});
afterAll(() => daemon[Symbol.asyncDispose]());

interface Seen {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly changes: readonly unknown[];
}

/** docker goes through maps for these, in an order that changes from run to run. */
function settled(body: unknown): unknown {
  const { Env, HostConfig, ...rest } = body as { Env: string[] | null; HostConfig: { Binds: string[] | null } };
  const sorted = (list: string[] | null) => (list === null ? null : [...list].sort());
  return { ...rest, Env: sorted(Env), HostConfig: { ...HostConfig, Binds: sorted(HostConfig.Binds) } };
}

/** Requests that change something, order aside: attach and wait go side by side. */
const changes = (requests: readonly Recorded[]) =>
  requests
    .filter(({ method, path }) => method !== "GET" && !path.endsWith("/wait"))
    .map(({ method, path, query, body }) => ({
      method,
      path,
      query: { ...query, ...(query["filters"] === undefined ? {} : { filters: JSON.parse(query["filters"]) }) },
      body: path === "/containers/create" ? settled(body) : undefined,
    }))
    .sort((left, right) => (left.path < right.path ? -1 : 1));

const ours = (text: string) => text.replaceAll("docker", "ctr").replaceAll("Docker daemon", "tare daemon");

async function both(argv: readonly string[]): Promise<readonly [docker: Seen, ctr: Seen]> {
  daemon.canned = cannedDaemon(Math.floor(Date.now() / 1000));
  daemon.requests.length = 0;
  const cwd = tmpdir();
  const env = dockerEnv(daemon.host.slice("unix://".length));
  const theirs = await run(dockerPath ?? "", argv, { env, cwd });
  const first = changes(daemon.requests);
  daemon.requests.length = 0;
  const mine = await ctr(daemon.host, argv, { cwd, env: { HOME: env["HOME"] ?? "" } });
  return [
    { status: theirs.status, stdout: ours(theirs.stdout), stderr: ours(theirs.stderr), changes: first },
    { ...mine, stdout: ours(mine.stdout), changes: changes(daemon.requests) },
  ];
}

const lines = (text: string): string[] =>
  text
    .trim()
    .split("\n")
    .map((line) => line.trim());
/** Words of a line; single and double quotes as in a shell, and nothing else. */
const words = (text: string): string[] =>
  [...text.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_whole, single, double) => single ?? double),
  );

const CREATE = lines(`
  create busybox
  create busybox sh -c 'echo hi' --rm
  create -it --name x busybox sh
  create -i busybox
  create -a stdout -a STDERR busybox
  create --rm -p 80 -p 8080:80/udp -p 127.0.0.1:9000-9001:90-91 -P --expose 7 --expose 8-9/udp busybox
  create -p [::1]:80:80 -p 8000-8005:80 busybox
  create -p target=80,published=8080,protocol=udp busybox
  create --gpus all busybox
  create --gpus '"device=1,2",capabilities=utility' busybox
  create --gpus 2 busybox
  create -v /a:/b:ro -v /anon busybox
  create -v ./rel:/x busybox
  create -v named:/x:nocopy busybox
  create --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770 busybox
  create --mount type=bind,src=/a,dst=/m,ro,bind-propagation=rslave busybox
  create --mount type=bind,src=.,dst=/m,readonly=false,bind-recursive=disabled busybox
  create --mount src=v,dst=/v,volume-label=a=b,volume-subpath=s,volume-driver=d,volume-opt=k=v busybox
  create --mount type=image,src=i,dst=/i,image-subpath=s busybox
  create --tmpfs /run:size=1k --tmpfs /tmp busybox
  create --network foo --network-alias a --ip 1.2.3.4 --ip6 ::1 --mac-address 92:d0:c6:0a:29:33 --link x:y --link-local-ip 169.254.1.1 busybox
  create --network name=foo,alias=a,alias=b,ip=1.2.3.4,driver-opt=k=v,mac-address=92:d0:c6:0a:29:33,gw-priority=3 --network bar busybox
  create --network host --ip 1.2.3.4 busybox
  create --net container:x busybox
  create --health-cmd 'x y' --health-interval 3s --health-retries 3 --health-start-period 1m --health-start-interval 1s --health-timeout 2s busybox
  create --no-healthcheck busybox
  create --ulimit nofile=10:20 --ulimit core=-1 busybox
  create --device /dev/null --device /dev/a:/dev/b:r --device /dev/c:rw --device vendor.com/class=name --device-cgroup-rule 'c 1:3 rwm' busybox
  create --device-read-bps /dev/sda:1mb --device-write-bps /dev/sda:2k --device-read-iops /dev/sda:5 --device-write-iops /dev/sda:100 --blkio-weight 500 --blkio-weight-device /dev/sda:100 busybox
  create --cpus 1.5 -c 512 --cpu-period 100 --cpu-quota 50 --cpu-rt-period 5 --cpu-rt-runtime 4 --cpuset-cpus 0 --cpuset-mems 0 busybox
  create -m 64m --memory-swap -1 --memory-reservation 32m --memory-swappiness 10 --kernel-memory 4m --oom-kill-disable --oom-score-adj 5 busybox
  create --pids-limit 10 --shm-size 1g busybox
  create --restart on-failure:3 --stop-signal SIGUSR1 --stop-timeout 3 busybox
  create --restart always:3 busybox
  create --init --read-only --privileged busybox
  create --init=false busybox
  create --userns host --uts host --pid host --ipc host --cgroupns private --cgroup-parent p --runtime r --isolation default busybox
  create --pid container:a --ipc shareable busybox
  create --volume-driver vd --volumes-from a:ro --storage-opt size=1 busybox
  create --sysctl net.core.somaxconn=1 --sysctl kernel.sem=2 --annotation k=v --group-add 5 busybox
  create --cap-add NET_ADMIN --cap-add ALL --cap-drop chown busybox
  create --dns 1.1.1.1 --dns ::1 --dns-search s --dns-search . --dns-option o --dns-opt p busybox
  create --add-host a:1.2.3.4 --add-host b=::1 --add-host c:host-gateway --add-host d=[::2] busybox
  create -h h --domainname d -u 1:2 -w /w --entrypoint /e busybox x
  create --entrypoint '' busybox
  create --entrypoint '' busybox sh
  create -e A=b -e HOME -e NOPE_X -e A=c=d busybox
  create -l a=b -l c -l d=e=f busybox
  create --log-driver none busybox
  create --log-driver json-file --log-opt max-size=1m --log-opt x busybox
  create --platform linux/arm64 --pull never busybox
  create --security-opt no-new-privileges --security-opt seccomp=unconfined --security-opt apparmor=foo --security-opt label:disable --security-opt systempaths=unconfined busybox
  create --quiet busybox
  create --network none busybox
  create --cap-add net_raw --cap-add CAP_NET_RAW --cap-drop ALL --cap-drop x busybox
  create -e A=b -e A -e B -e B=c busybox
  create -- busybox -x
  run busybox true
  run --rm busybox
  run -d -i busybox
  run -d -t busybox
  run -i busybox cat
  run --sig-proxy=false busybox
  run --help=false busybox
`);

const REFUSED = lines(`
  run --foo busybox
  run -z b
  run -itz b
  run --=x b
  run ---x b
  run --name
  run -e
  run --rm=maybe b
  ps -aq=x
  ps -f foo
  ps x
  logs a b
  rename a
  stop
  stop -t x a
  run
  foo
  image foo
  --foo ps
  run -m 5z busybox
  run --cpus x busybox
  run --cpus 1/3 busybox
  run --health-interval 3 b
  run --mount type=x b
  run --mount foo b
  run --mount type=bind,dst=/a,foo=b b
  run --mount type=bind,dst=/a,ro=maybe b
  run --ulimit a b
  run --ulimit foo=1 b
  run --ulimit nofile=20:10 b
  run --ulimit nofile=1:2:3 b
  run --gpus x=y b
  run --gpus x b
  run --gpus count=1,count=2 b
  run -e =x busybox
  run -l '' busybox
  run -a foo busybox
  run -p abc busybox
  run -p 1.2.3.4.5:80:80 busybox
  run -p 80:90-91 busybox
  run -p 80:80/foo busybox
  run -p 99999:80 busybox
  run -p : busybox
  run --expose x busybox
  run --expose 80:80 busybox
  run -v '' busybox
  run --no-healthcheck --health-cmd x busybox
  run --health-interval=-1s busybox
  run --health-retries=-1 --health-cmd x busybox
  run --security-opt seccomp=/nonexist busybox
  run --security-opt nonsense busybox
  run --rm --restart always busybox
  run --restart on-failure:x busybox
  run --restart :3 busybox
  run -d -a stdout busybox
  run --pid foo busybox
  run --pid container: busybox
  run --uts foo busybox
  run --userns foo busybox
  run --cgroupns foo busybox
  run --memory-swappiness 101 busybox
  run --cidfile /etc/passwd busybox
  run --env-file /nonexist busybox
  run --pull foo busybox
  run --device a:b:c:d busybox
  run --device-cgroup-rule x busybox
  run --device-read-bps x busybox
  run --device-read-bps /x:1 busybox
  run --device-write-iops /dev/x:1mb busybox
  run --blkio-weight-device /dev/x:1 busybox
  run --add-host x busybox
  run --add-host x:y busybox
  run --dns x busybox
  run --storage-opt x busybox
  run --network foo --network foo busybox
  run --network host --network foo busybox
  run --network-alias a busybox
  run --log-driver none --log-opt a=b busybox
  run --sysctl x busybox
  run --mac-address zz busybox
  run -it busybox
  exec -it web sh
  exec -e =x web sh
  update web
  update --cpus x web
`);

const PRINTED = lines(`
  ps
  ps -a --no-trunc
  ps -as
  ps -q
  ps -aq --no-trunc
  container ls -n 3
  ps --format '{{json .}}'
  ps --format json
  ps --format '{{.Foo}}'
  ps --format '{{.ID'
  ps --format '{{foo}}'
  ps --format 'table {{.ID}}\\t{{.Names}}\\t{{.Mounts}}\\t{{.Ports}}\\t{{.Networks}}\\t{{.LocalVolumes}}\\t{{.Label "a"}}'
  ps --format 'table {{.ID}} x {{.Names | upper}}'
  ps --format 'table {{pad .Names 1 1}}|{{truncate .Image 3}}'
  ps --format '{{.Names}}: {{.Labels}} {{.CreatedAt}}'
  ps --format '{{upper .Names}}\\t{{.Size}}\\n'
  ps --format raw
  ps --format 'table {{.ID}}' -q
  ps -f status=running -f label=a=b -f label=c
  images
  images --digests
  images --no-trunc
  images -q
  images busybox
  images --format '{{json .}}'
  images --format '{{.Repository}}:{{.Tag}} {{.Size}} {{.Digest}}'
  images -a -f dangling=true -f reference='a*'
  history busybox
  history -H=false busybox
  history --no-trunc busybox
  history -q busybox
  history --format '{{json .}}' busybox
  top web
  top nope
  top web -o pid
  system df
  system df -v
  stats --no-stream web
  port web
  port web 80
  port web 99
  port web 80/udp
  logs nope
  logs --since foo web
  inspect web
  inspect nope
  inspect web nope
  inspect --type image nope
  inspect -f '{{.State.Status}} {{.Config.Env}} {{.Config.Labels}} {{.Config.Entrypoint}} {{.Config.Volumes}}' web
  inspect -f '{{.HostConfig.OomKillDisable}} {{.HostConfig.Memory}} {{.HostConfig.Binds}} {{.HostConfig.PidsLimit}}' web
  inspect -f '{{.HostConfig.LogConfig}} {{.HostConfig.CapAdd}} {{.HostConfig.ShmSize}} {{.HostConfig.AutoRemove}} {{.Config.User}}|' web
  inspect -f '{{.HostConfig.PortBindings}} {{.HostConfig.RestartPolicy}} {{.Mounts}} {{.RestartCount}}' web
  inspect -f '{{.NetworkSettings.Ports}} {{.Args}} {{.NetworkSettings.Networks.bridge.Aliases}}' web
  inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web
  inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' web
  inspect -f '{{range $k, $v := .NetworkSettings.Ports}}{{$k}} {{(index $v 0).HostPort}}{{end}}' web
  inspect -f '{{with .State.Health}}x{{else}}none{{end}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' web
  inspect -f '{{json .Config.Labels}} {{len .Config.Env}} {{index .Config.Env 1}} {{join .Config.Env ","}}' web
  inspect -f '{{if eq .State.Status "running"}}up{{else}}down{{end}} {{.Config.Labels.zzz}}' web
  inspect -f '{{.GraphDriver.Data.UpperDir}}' web
  inspect -f '{{.HostConfig.NanoCpus}}' web
  inspect -f '{{.Foo}}' web
  inspect -f '{{.State.Foo.Bar}}' web
  inspect -f '{{.State.Health.Status}}' web
  inspect -f '{{.Created.Foo}}' web
  inspect -f '{{index .Config.Env 7}}' web
  inspect -f '{{.Id' web
  inspect -f '{{foo .Id}}' web
  inspect -f '{{end}}' web
  inspect -f '{{if}}' web
  inspect -f '{{range .Config.Env}}' web
  inspect -f json web
  inspect -s web -f '{{.SizeRw}}'
  inspect -f '{{.Id}}' busybox web
  inspect busybox -f '{{.Config.Cmd}} {{.RootFS.Layers}}'
  container inspect web -f '{{.Name}}'
  image inspect busybox -f '{{.Id}}'
  image inspect nope
  container inspect nope
`);

const VERBS = lines(`
  stop web nope
  stop -t 5 -s INT web
  kill web
  kill -s TERM web
  rm -fv web
  rm nope
  rm -f nope
  pause web
  unpause web
  restart -t 3 web
  wait web
  rename web b
  start web
  start web nope
  start -a nope
  rmi busybox
  rmi nope
  rmi -f nope
  tag busybox foo/bar:1
  tag busybox foo
  tag busybox foo@sha256:0000000000000000000000000000000000000000000000000000000000000000
  update -m 64m --cpus 2 web
  update --restart always web
  image prune -f
  image prune -af --filter until=1h
  container prune -f
  load -i /nonexist
  image rm
`);

describe.skipIf(!comparable)(
  `like docker (${comparable ? version.trim() : "needs a docker command of version 28"})`,
  () => {
    it.each(CREATE)("%s sends the same", async (line) => {
      const [theirs, mine] = await both(words(line));
      expect(mine.changes).toEqual(theirs.changes);
      expect(mine.status).toBe(theirs.status);
      expect(mine.changes.length).toBeGreaterThan(0);
    });

    it.each(REFUSED)("%s is refused the same", async (line) => {
      const [theirs, mine] = await both(words(line));
      expect(mine).toEqual(theirs);
      expect(mine.status).not.toBe(0);
    });

    it.each([...PRINTED, ...VERBS])("%s does and prints the same", async (line) => {
      const [theirs, mine] = await both(words(line));
      expect(mine).toEqual(theirs);
    });
  },
);
