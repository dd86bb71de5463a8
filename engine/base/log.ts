/** Structured log: one JSON line per fact. error = a human must act, warn = we degraded, info = lifecycle, debug = plans. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const plain = (value: unknown): unknown => {
  if (value instanceof Error)
    return value.cause === undefined ? value.message : `${value.message}: ${String(plain(value.cause))}`;
  return typeof value === "bigint" ? value.toString() : value;
};

/** `write` gets one line with its newline. */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  const threshold = LOG_LEVELS.indexOf(level);
  const at = (name: LogLevel) => {
    const rank = LOG_LEVELS.indexOf(name);
    if (rank < threshold) return () => {};
    return (message: string, fields: LogFields = {}): void => {
      const entry: Record<string, unknown> = { time: new Date().toISOString(), level: name, msg: message };
      for (const [key, value] of Object.entries(fields)) entry[key] = plain(value);
      write(`${JSON.stringify(entry)}\n`);
    };
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
