/**
 * The one place where koffi is loaded: libc by name, errno as Node-like errors. Everything here is synchronous and
 * safe in a multithreaded process; calls that change the thread's world (setns, chroot, unshare) do not exist on purpose.
 */
import { getSystemErrorMap } from "node:util";
import koffi from "koffi";

/** Names are bytes: a Buffer passes any byte, a string is UTF-8. Neither may contain NUL. */
export type PathBytes = string | Uint8Array;

/** Shaped like Node's own: code "ENOENT", errno -2, syscall, path. */
export interface SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
}

const libc = koffi.load(null);
koffi.alias("ssize_t", "long");

type Parameter =
  | "int"
  | "uint"
  | "long"
  | "size_t"
  | "uint64_t"
  | "ssize_t"
  | "const char *"
  | "const void *"
  | "void *";
type Argument = number | bigint | string | Uint8Array | Int32Array | null;
type Call = (...values: Argument[]) => number;

/** A libc function by name; throws at first use when the libc lacks it, so that an old libc costs only that call. */
export const libcFunction = (
  name: string,
  result: "int" | "long" | "ssize_t",
  parameters: readonly Parameter[],
): Call => {
  let bound: Call | undefined;
  return (...values) => {
    bound ??= libc.func(name, result, [...parameters]) as unknown as Call;
    return bound(...values);
  };
};

type AsyncCall = (...values: (Argument | ((error: unknown, result: number) => void))[]) => void;
/**
 * The same on koffi's thread pool, for calls that wait for a disk. Resolves with the result, or with -errno; never use it
 * for calls that change a thread's world.
 */
export const libcFunctionAsync = (
  name: string,
  parameters: readonly Parameter[],
): ((...values: Argument[]) => Promise<number>) => {
  let bound: AsyncCall | undefined;
  return (...values) =>
    new Promise((resolve, reject) => {
      bound ??= (libc.func(name, "int", [...parameters]) as unknown as { readonly async: AsyncCall }).async;
      bound(...values, (error, result) =>
        error === null || error === undefined ? resolve(result < 0 ? -koffi.errno() : result) : reject(error),
      );
    });
};

/**
 * System calls by number, for those that old libcs do not wrap. All used here have one number on every architecture
 * (424 and above), except where `numberOf` is given both.
 */
const rawTypes = ["long", "const void *", "const void *", "const void *", "const void *", "const void *"] as const;
export type SyscallSignature = readonly Parameter[];
export const syscallFunction = (number: number, parameters: SyscallSignature): Call => {
  if (parameters.length > rawTypes.length) throw new Error("too many parameters");
  let bound: Call | undefined;
  return (...values) => {
    bound ??= libc.func("syscall", "long", ["long", ...parameters]) as unknown as Call;
    return bound(number, ...values);
  };
};
export const numberOf = (x64: number, arm64: number): number => (process.arch === "arm64" ? arm64 : x64);

export const addressOf = (bytes: Uint8Array): bigint => koffi.address(bytes);
export const lastErrno = (): number => koffi.errno();

const text = (path: PathBytes): string => (typeof path === "string" ? path : Buffer.from(path).toString("utf8"));

let errorMap: ReturnType<typeof getSystemErrorMap> | undefined;
/** Code and message of an errno; Node makes its map anew for each caller. */
export const errorText = (errno: number): readonly [code: string, message: string] =>
  (errorMap ??= getSystemErrorMap()).get(-errno) ?? [`E${errno}`, `error ${errno}`];

export function systemCallError(errno: number, syscall: string, path?: PathBytes): SystemCallError {
  const [code, message] = errorText(errno);
  const where = path === undefined ? "" : ` '${text(path)}'`;
  return Object.assign(new Error(`${code}: ${message}, ${syscall}${where}`), {
    code,
    errno: -errno,
    syscall,
    ...(path === undefined ? {} : { path: text(path) }),
  });
}

/** Throws for a negative result, else returns it. Must directly follow the call: errno is read here. */
export function check(result: number, syscall: string, path?: PathBytes): number {
  if (result < 0) throw systemCallError(koffi.errno(), syscall, path);
  return result;
}

const EINVAL = 22;
/** What koffi gets for a path or name. A NUL would silently cut the name short, so it is refused. */
export function cstring(value: PathBytes, syscall: string): string | Uint8Array {
  if (typeof value === "string") {
    if (value.includes("\0")) throw systemCallError(EINVAL, syscall, value);
    return value;
  }
  if (value.includes(0)) throw systemCallError(EINVAL, syscall, value);
  const terminated = Buffer.allocUnsafe(value.length + 1);
  terminated.set(value);
  terminated[value.length] = 0;
  return terminated;
}
