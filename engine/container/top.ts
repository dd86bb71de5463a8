/**
 * `docker top` without ps: the host's /proc read for the container's pids, in the columns of `ps -ef`, `ps aux` and of
 * `-o` lists. Text of processes is untrusted: control bytes are shown as "?".
 */
import { invalid } from "../base/errors.ts";
import { readText } from "../base/fs.ts";

export interface ProcessTable {
  readonly titles: readonly string[];
  readonly processes: readonly (readonly string[])[];
}

interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly gid: number;
  readonly state: string;
  readonly comm: string;
  readonly command: string;
  readonly tty: number;
  readonly cpuTicks: number;
  readonly startTicks: number;
  readonly vszKb: number;
  readonly rssKb: number;
  readonly threads: number;
  readonly nice: number;
}

interface World {
  readonly bootMs: number;
  readonly nowMs: number;
  readonly memoryKb: number;
  readonly userName: (uid: number) => string;
}

/** Linux gives times to user space in hundredths of a second on every architecture. */
const TICKS_PER_S = 100;
const PAGE_KB = 4;
const clean = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, "?");

function observe(pid: number): Process | null {
  const stat = readText(`/proc/${pid}/stat`);
  const status = readText(`/proc/${pid}/status`);
  const command = readText(`/proc/${pid}/cmdline`)?.replace(/\0+$/, "").replaceAll("\0", " ");
  return stat === null || status === null || command === undefined ? null : parseProcess(pid, stat, status, command);
}

function parseProcess(pid: number, stat: string, status: string, command: string): Process {
  const open = stat.indexOf("(");
  const close = stat.lastIndexOf(")");
  const comm = clean(stat.slice(open + 1, close));
  const fields = stat.slice(close + 2).split(" ");
  const number = (index: number): number => Number(fields[index - 3] ?? 0);
  const id = (key: string): number => Number(new RegExp(`^${key}:\\s+\\d+\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return {
    pid,
    ppid: number(4),
    uid: id("Uid"),
    gid: id("Gid"),
    state: fields[0] ?? "?",
    comm,
    command: command === "" ? `[${comm}]` : clean(command),
    tty: number(7),
    cpuTicks: number(14) + number(15),
    startTicks: number(22),
    vszKb: Math.floor(number(23) / 1024),
    rssKb: number(24) * PAGE_KB,
    threads: number(20),
    nice: number(19),
  };
}

const two = (value: number): string => String(value).padStart(2, "0");
const clock = (seconds: number): string =>
  `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(Math.floor(seconds) % 60)}`;
const ttyName = (device: number): string => {
  const major = (device >> 8) & 0xfff;
  return device === 0 ? "?" : major >= 136 && major <= 143 ? `pts/${device & 0xff}` : `tty${device & 0xff}`;
};
const startedMs = (process: Process, world: World): number => world.bootMs + (process.startTicks * 1000) / TICKS_PER_S;
const elapsedS = (process: Process, world: World): number =>
  Math.max(0.01, (world.nowMs - startedMs(process, world)) / 1000);
const cpuPercent = (process: Process, world: World): number =>
  (process.cpuTicks / TICKS_PER_S / elapsedS(process, world)) * 100;
function startText(process: Process, world: World): string {
  const date = new Date(startedMs(process, world));
  return world.nowMs - date.getTime() < 86_400_000
    ? `${two(date.getHours())}:${two(date.getMinutes())}`
    : `${date.toDateString().slice(4, 7)}${two(date.getDate())}`;
}

type Column = readonly [title: string, value: (process: Process, world: World) => string];
const COLUMNS: Readonly<Record<string, Column>> = {
  pid: ["PID", (p) => String(p.pid)],
  ppid: ["PPID", (p) => String(p.ppid)],
  user: ["USER", (p, w) => w.userName(p.uid)],
  uid: ["UID", (p) => String(p.uid)],
  gid: ["GID", (p) => String(p.gid)],
  comm: ["COMMAND", (p) => p.comm],
  args: ["COMMAND", (p) => p.command],
  cmd: ["CMD", (p) => p.command],
  stat: ["STAT", (p) => p.state],
  state: ["S", (p) => p.state],
  tty: ["TTY", (p) => ttyName(p.tty)],
  time: ["TIME", (p) => clock(p.cpuTicks / TICKS_PER_S)],
  etime: ["ELAPSED", (p, w) => clock(elapsedS(p, w))],
  stime: ["STIME", startText],
  start: ["START", startText],
  vsz: ["VSZ", (p) => String(p.vszKb)],
  rss: ["RSS", (p) => String(p.rssKb)],
  nlwp: ["NLWP", (p) => String(p.threads)],
  ni: ["NI", (p) => String(p.nice)],
  c: ["C", (p, w) => String(Math.min(99, Math.floor(cpuPercent(p, w))))],
  "%cpu": ["%CPU", (p, w) => cpuPercent(p, w).toFixed(1)],
  "%mem": ["%MEM", (p, w) => ((p.rssKb / w.memoryKb) * 100).toFixed(1)],
};
const ALIASES: Readonly<Record<string, string>> = {
  command: "args",
  pcpu: "%cpu",
  pmem: "%mem",
  euser: "user",
  ruser: "user",
  uname: "user",
  euid: "uid",
  s: "state",
  tt: "tty",
  thcount: "nlwp",
  rssize: "rss",
  vsize: "vsz",
  nice: "ni",
  cputime: "time",
  ucmd: "comm",
  start_time: "stime",
};
const FULL: readonly Column[] = [
  ["UID", (p, w) => w.userName(p.uid)],
  ...["pid", "ppid", "c", "stime", "tty", "time", "cmd"].map(column),
];
const BSD: readonly Column[] = [
  "user",
  "pid",
  "%cpu",
  "%mem",
  "vsz",
  "rss",
  "tty",
  "stat",
  "start",
  "time",
  "args",
].map(column);
const SHORT: readonly Column[] = ["pid", "tty", "time", "cmd"].map(column);

function column(name: string): Column {
  const found = COLUMNS[name] ?? COLUMNS[ALIASES[name] ?? ""];
  if (found === undefined) {
    throw invalid("container.top_column", `ps: error: unknown user-defined format specifier "${name}"`, {
      details: { column: name },
    });
  }
  return found;
}

/** "-o pid,comm" and "-o pid=ID"; the last word of a list may hold a title. */
const custom = (list: string): Column[] =>
  list
    .split(/[,\s]+/)
    .filter((word) => word !== "")
    .map((word) => {
      const [name = "", title] = word.split("=", 2);
      const [original, value] = column(name.toLowerCase());
      return [title ?? original, value];
    });

/** The columns a ps argument string asks for; forms that ps has and we do not are refused by name. */
export function chooseColumns(psArgs: string): readonly Column[] {
  const text = psArgs.trim();
  const lists = [...text.matchAll(/(?:^|\s)(?:-[a-zA-Z]*o\s*|o\s+)([a-z%_]\S*)/g)].map((match) => match[1] as string);
  if (lists.length > 0) {
    const columns = lists.flatMap(custom);
    if (!columns.some(([, value]) => value === COLUMNS["pid"]?.[1]))
      throw invalid("container.top_pid", "Couldn't find PID field in ps output");
    return columns;
  }
  if (text === "") return FULL;
  if (/^-?[a-zA-Z]+(\s+-?[a-zA-Z]+)*$/.test(text)) {
    if (/f/.test(text) && text.startsWith("-")) return FULL;
    if (/u/.test(text)) return BSD;
    if (/^-?[aAexwdHT\s-]+$/.test(text)) return SHORT;
  }
  throw invalid(
    "container.top_args",
    `ps arguments "${psArgs}" are not supported: use -ef, aux or -o with a list of columns`,
    {
      details: { psArgs },
    },
  );
}

function userNames(): (uid: number) => string {
  const names = new Map<number, string>();
  for (const line of (readText("/etc/passwd") ?? "").split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (uid !== "" && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return (uid) => names.get(uid) ?? String(uid);
}

function world(memoryBytes: number): World {
  const uptimeS = Number((readText("/proc/uptime") ?? "").split(" ")[0]);
  const nowMs = Date.now();
  return { nowMs, bootMs: nowMs - uptimeS * 1000, memoryKb: memoryBytes / 1024, userName: userNames() };
}

export function processTable(pids: readonly number[], psArgs: string, memoryBytes: number): ProcessTable {
  const columns = chooseColumns(psArgs);
  const around = world(memoryBytes);
  const found = [...pids]
    .sort((a, b) => a - b)
    .map(observe)
    .filter((process) => process !== null);
  return {
    titles: columns.map(([title]) => title),
    processes: found.map((process) => columns.map(([, value]) => value(process, around))),
  };
}
