/** Exec: the wire's create body → the domain, and the snapshot → inspect. Pure. */
import { type ExecRequest, type ExecSnapshot, invalid } from "../../../engine/index.ts";
import type { ApiVersion, BodyFor, ExecInspect } from "../../schema/index.ts";
import { consoleSize, some } from "./values.ts";

export function execRequest(body: NonNullable<BodyFor<"ContainerExec">>, api: ApiVersion): ExecRequest {
  const cmd = body.Cmd ?? [];
  if (cmd.length === 0) throw invalid("exec.no_command", "No exec command specified");
  return {
    attachStdin: body.AttachStdin ?? false,
    attachStdout: body.AttachStdout ?? false,
    attachStderr: body.AttachStderr ?? false,
    tty: body.Tty ?? false,
    cmd,
    env: api >= 25 ? (body.Env ?? []) : [],
    user: body.User ?? "",
    workingDir: body.WorkingDir ?? "",
    privileged: body.Privileged ?? false,
    detachKeys: body.DetachKeys ?? "",
    consoleSize: api >= 42 ? consoleSize(body.ConsoleSize) : null,
  };
}

export function wireExec(exec: ExecSnapshot): ExecInspect {
  const { request } = exec;
  return {
    ID: exec.id,
    Running: exec.running,
    ExitCode: exec.exitCode,
    ProcessConfig: {
      tty: request.tty,
      entrypoint: request.cmd[0] ?? "",
      arguments: request.cmd.slice(1),
      privileged: request.privileged,
      ...some("user", request.user),
    },
    OpenStdin: request.attachStdin,
    OpenStderr: request.attachStderr,
    OpenStdout: request.attachStdout,
    CanRemove: !exec.running && exec.exitCode !== null,
    ContainerID: exec.containerId,
    DetachKeys: request.detachKeys,
    Pid: exec.pid,
  };
}
