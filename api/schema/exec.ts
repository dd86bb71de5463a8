/** Exec: a further process in a running container. */
import { type Static, flag, int, list, maybe, nullable, object, text, texts, words } from "./common.ts";

export const ExecCreateBody = object({
  User: text,
  Privileged: flag,
  Tty: flag,
  ConsoleSize: maybe(list(int)),
  AttachStdin: flag,
  AttachStderr: flag,
  AttachStdout: flag,
  DetachKeys: text,
  Env: nullable(texts),
  WorkingDir: text,
  Cmd: words,
});
export type ExecCreateBody = Static<typeof ExecCreateBody>;
export const ExecStartBody = object({ Detach: flag, Tty: flag, ConsoleSize: maybe(list(int)) });
export type ExecStartBody = Static<typeof ExecStartBody>;
export const ExecInspect = object({
  ID: text,
  Running: flag,
  ExitCode: nullable(int),
  ProcessConfig: object({ tty: flag, entrypoint: text, arguments: texts, privileged: flag, user: maybe(text) }),
  OpenStdin: flag,
  OpenStderr: flag,
  OpenStdout: flag,
  CanRemove: flag,
  ContainerID: text,
  DetachKeys: text,
  Pid: int,
});
export type ExecInspect = Static<typeof ExecInspect>;
