/**
 * A failed record → the error a user reads. Docker's clients look for substrings ("executable file not found", "no such
 * file or directory", "permission denied", "is a directory") to choose the exit code, so these stay as they are known.
 */
import {
  type LaunchPlan,
  type OpRecord,
  type Report,
  ShimFailure,
  ShimUnavailable,
  errnoName,
} from "../../../native/binding/index.ts";
import { cancelled, internal, invalid, TareError, unavailable } from "../../base/errors.ts";

const TEXTS: Readonly<Record<string, string>> = {
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  ENOEXEC: "exec format error",
  ELOOP: "too many levels of symbolic links",
  EINVAL: "invalid argument",
  E2BIG: "argument list too long",
  ENOSPC: "no space left on device",
  EXDEV: "outside of the container's root",
  ESRCH: "no such process",
  EROFS: "read-only file system",
  ENAMETOOLONG: "file name too long",
  ENODEV: "no such device",
  EBUSY: "device or resource busy",
  ENOMEM: "cannot allocate memory",
  EEXIST: "file exists",
};
const errnoText = (name: string): string => TEXTS[name] ?? name;

const START =
  "failed to create task for container: failed to create shim task: OCI runtime create failed: tare create failed: unable to start container process: ";
const EXEC = "OCI runtime exec failed: exec failed: unable to start container process: ";

/** 127: not there; 126: there but not usable; 128: anything else. */
function exitCode(errno: string): 126 | 127 | 128 {
  if (errno === "ENOENT" || errno === "ENOTDIR") return 127;
  return errno === "EACCES" || errno === "EISDIR" || errno === "EPERM" ? 126 : 128;
}

function programFailure(record: OpRecord & { op: "exec" }, errno: string): string {
  const name = record.argv[0] ?? "";
  const quoted = JSON.stringify(name);
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    return name.includes("/")
      ? `exec: ${quoted}: stat ${name}: ${errnoText(errno)}`
      : `exec: ${quoted}: executable file not found in $PATH`;
  }
  return `exec: ${quoted}: ${errnoText(errno)}`;
}

function mountFailure(source: string, target: string, report: Report, errno: string): string {
  const why =
    errno === "ENOTDIR"
      ? "not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type"
      : errnoText(errno);
  return `error mounting ${JSON.stringify(source)} to rootfs at ${JSON.stringify(target)}: ${report.call ?? "mount"} ${report.path ?? target}: ${why}`;
}

/** The user's own argument, from the record that failed. */
function describe(
  record: OpRecord | undefined,
  report: Report,
  errno: string,
): { readonly text: string; readonly argument: string } {
  const why = `${report.call ?? "failed"}${report.path === undefined || report.path === "" ? "" : ` ${report.path}`}: ${errnoText(errno)}`;
  switch (record?.op) {
    case "exec":
      return { text: programFailure(record, errno), argument: "Cmd" };
    case "bind":
    case "mount":
      return { text: mountFailure(record.source, record.target, report, errno), argument: record.target };
    case "root_overlay":
    case "root_overlay_idmapped":
    case "root_bind":
    case "root_prepared":
      return { text: `error mounting the root filesystem: ${why}`, argument: "Image" };
    case "chdir":
      return {
        text: `chdir to cwd (${JSON.stringify(record.path)}) failed: ${errnoText(errno)}`,
        argument: "WorkingDir",
      };
    case "sysctl":
      return { text: `error setting sysctl ${record.name}=${record.value}: ${errnoText(errno)}`, argument: "Sysctls" };
    case "device":
      return { text: `error creating device node ${record.path}: ${errnoText(errno)}`, argument: "Devices" };
    case "rlimit":
      return {
        text: `error setting rlimit ${record.resource} to ${record.soft}:${record.hard}: ${errnoText(errno)}`,
        argument: "Ulimits",
      };
    case "oom_score":
      return { text: `error setting oom_score_adj to ${record.value}: ${errnoText(errno)}`, argument: "OomScoreAdj" };
    case "join_namespace":
      return { text: `error joining namespace ${record.path}: ${errnoText(errno)}`, argument: record.path };
    case "join_container":
      return { text: `error joining the container: ${why}`, argument: "container" };
    case "user":
      return { text: `error setting user ${record.uid}:${record.gid}: ${errnoText(errno)}`, argument: "User" };
    case "seccomp":
      return { text: `error loading seccomp filter: ${errnoText(errno)}`, argument: "SecurityOpt" };
    case "apparmor":
      return { text: `unable to apply apparmor profile ${record.label}: ${errnoText(errno)}`, argument: "SecurityOpt" };
    default:
      return { text: `${record?.op ?? report.name ?? "launch"}: ${why}`, argument: record?.op ?? "" };
  }
}

export function failureOf(error: unknown, plan: LaunchPlan, what: "start" | "exec"): Error {
  if (error instanceof ShimFailure) return fromReport(error, plan, what);
  if (error instanceof ShimUnavailable) return fromSilence(error, what);
  return error instanceof TareError
    ? error
    : internal(`container.${what}_failed`, `${what} failed: ${String(error)}`, { cause: error });
}

function fromReport(failure: ShimFailure, plan: LaunchPlan, what: "start" | "exec"): TareError {
  const { report } = failure;
  const errno = errnoName(report.errno ?? 0);
  const record = report.op === undefined ? undefined : plan[report.op];
  const { text, argument } = describe(record, report, errno);
  const code = exitCode(errno);
  const init = what === "start" ? "error during container init: " : "";
  const make = code === 128 ? internal : invalid;
  return make(`container.${what}_failed`, `${what === "start" ? START : EXEC}${init}${text}`, {
    cause: failure,
    details: {
      exitCode: code,
      errno,
      argument,
      operation: record?.op ?? "",
      call: report.call ?? "",
      path: report.path ?? "",
    },
  });
}

function fromSilence(error: ShimUnavailable, what: "start" | "exec"): TareError {
  const options = { cause: error, details: { exitCode: 128 } };
  switch (error.code) {
    case "aborted":
      return cancelled(`container.${what}_cancelled`, `${what} was cancelled`, options);
    case "deadline":
      return unavailable(
        "container.monitor_silent",
        `the container's monitor process does not answer (${error.message})`,
        options,
      );
    case "gone":
      return internal(
        "container.monitor_gone",
        `the container's monitor process ended unexpectedly during ${what}`,
        options,
      );
    case "protocol":
      return internal("container.monitor_protocol", error.message, options);
  }
}
