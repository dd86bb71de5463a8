/** Any error → the text for people and the exit status, as docker's outside of run and create. */
import { ApiError, ConnectionError, HostError } from "../client/index.ts";
import { StatusError } from "./errors.ts";

export interface Failure {
  readonly status: number;
  readonly text: string;
}

const NOT_RUNNING = "Start it with: ctrd (or npm start in a checkout)";

function connectionText(error: ConnectionError): string {
  if (!error.refused) return error.message;
  if (error.code === "EACCES" || error.code === "EPERM") {
    return `permission denied while trying to connect to the tare daemon at ${error.host}\nhint: join the socket's group, or run as root`;
  }
  return `${error.message}. Is ctrd running? ${NOT_RUNNING}`;
}

export function causes(error: unknown): string {
  const lines: string[] = [];
  let at = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; at !== undefined && depth < 10; depth++) {
    lines.push(`caused by: ${at instanceof Error ? `${at.name}: ${at.message}` : String(at)}`);
    at = at instanceof Error ? at.cause : undefined;
  }
  if (error instanceof Error && error.stack !== undefined) lines.push(error.stack);
  return lines.map((one) => `\n${one}`).join("");
}

const withHint = (text: string, hint: string | undefined): string =>
  hint === undefined ? text : `${text}\nhint: ${hint}`;

/** The text of any error and its exit status outside of run and create, as docker's. */
export function explain(error: unknown): Failure {
  if (error instanceof StatusError) return { status: error.status, text: withHint(error.message, error.hint) };
  if (error instanceof ApiError) {
    return { status: 1, text: withHint(`Error response from daemon: ${error.message}`, error.hint) };
  }
  if (error instanceof ConnectionError) return { status: 1, text: connectionText(error) };
  if (error instanceof HostError) return { status: 1, text: error.message };
  return { status: 1, text: error instanceof Error ? error.message : String(error) };
}
