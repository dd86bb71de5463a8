/** ctrd's command line. Pure. */
import { type ConfigFlags, invalid, LOG_LEVELS } from "../../engine/index.ts";

export interface Flags {
  readonly config: ConfigFlags;
  readonly configFile: string | null;
  readonly action: "run" | "version" | "help";
}

/** flag → configuration key; "list" may be repeated. */
const VALUES: Readonly<Record<string, { readonly key: string; readonly list?: true }>> = {
  "--data-root": { key: "data-root" },
  "--exec-root": { key: "exec-root" },
  "--host": { key: "hosts", list: true },
  "-H": { key: "hosts", list: true },
  "--log-level": { key: "log-level" },
  "-l": { key: "log-level" },
  "--group": { key: "group" },
  "-G": { key: "group" },
  "--cgroup-parent": { key: "cgroup-parent" },
  "--shim": { key: "shim" },
  "--label": { key: "labels", list: true },
};

export const HELP = `Usage:  ctrd [OPTIONS]

The daemon of the Tare container engine. It serves the Docker Engine API; its containers outlive it.

Options:
      --data-root DIR       Persistent state (default /var/lib/tare)
      --exec-root DIR       Sockets and other runtime state (default /run/tare)
  -H, --host HOST           Listen here: unix:///path, tcp://127.0.0.1:port or fd:// (repeatable,
                            default unix:///run/tare/tare.sock)
      --config FILE         Configuration, JSON (default /etc/tare/config.json)
  -l, --log-level LEVEL     ${LOG_LEVELS.join(", ")} (default info)
  -G, --group NAME          Group that may use the unix socket (default docker or tare, where it exists)
      --cgroup-parent PATH  Parent of all containers' cgroups
      --label KEY=VALUE     Label of the daemon (repeatable)
      --shim PATH           Use this ctr-shim
      --version             Print the version and quit
      --help                Print this help and quit

Flags win over environment (TARE_DATA_ROOT, TARE_EXEC_ROOT, TARE_HOST, TARE_LOG_LEVEL, TARE_CONFIG), which wins over the file.
`;

/** Throws `flags.*` errors that name the flag. */
export function parseFlags(argv: readonly string[]): Flags {
  const config: Record<string, string | string[]> = {};
  let configFile: string | null = null;
  const rest = [...argv];
  while (rest.length > 0) {
    const word = rest.shift() ?? "";
    if (word === "--version" || word === "-v") return { config: {}, configFile: null, action: "version" };
    if (word === "--help" || word === "-h") return { config: {}, configFile: null, action: "help" };
    const equals = word.startsWith("--") ? word.indexOf("=") : -1;
    const flag = equals < 0 ? word : word.slice(0, equals);
    const known = flag === "--config" ? { key: "config" } : VALUES[flag];
    if (known === undefined || !(flag === "--config" || Object.hasOwn(VALUES, flag))) throw unknownWord(word);
    const value = equals < 0 ? rest.shift() : word.slice(equals + 1);
    if (value === undefined || value === "") throw invalid("flags.no_value", `flag needs an argument: ${flag}`);
    if (flag === "--config") configFile = value;
    else if ("list" in known) config[known.key] = [...((config[known.key] as string[] | undefined) ?? []), value];
    else config[known.key] = value;
  }
  return { config, configFile, action: "run" };
}

const unknownWord = (word: string): Error =>
  word.startsWith("-")
    ? invalid("flags.unknown", `unknown flag: ${word}`, { hint: "Run 'ctrd --help' for what there is." })
    : invalid("flags.unexpected", `ctrd takes no arguments: ${word}`, { hint: "Run 'ctrd --help' for what there is." });
