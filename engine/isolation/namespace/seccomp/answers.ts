/** Actions of a profile as the filter's return values (linux/seccomp.h). */
import { constants } from "node:os";
import { internal } from "../../../base/errors.ts";

const KILL_PROCESS = 0x80000000;
const KILL_THREAD = 0x00000000;
const TRAP = 0x00030000;
const ERRNO = 0x00050000;
const NOTIFY = 0x7fc00000;
const TRACE = 0x7ff00000;
const LOG = 0x7ffc0000;
const ALLOW = 0x7fff0000;
const DATA = 0xffff;

/** What happens to a call of an architecture that the profile does not list; libseccomp's choice. */
export const WRONG_ARCHITECTURE = KILL_THREAD;
export const NO_SUCH_CALL = ERRNO | constants.errno.ENOSYS;

const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: KILL_THREAD,
  SCMP_ACT_KILL_THREAD: KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: KILL_PROCESS,
  SCMP_ACT_TRAP: TRAP,
  SCMP_ACT_ERRNO: ERRNO,
  SCMP_ACT_NOTIFY: NOTIFY,
  SCMP_ACT_TRACE: TRACE,
  SCMP_ACT_LOG: LOG,
  SCMP_ACT_ALLOW: ALLOW,
};

/** errnoRet null = EPERM; only ERRNO and TRACE carry it. */
export function answerOf(action: string, errnoRet: number | null): number {
  const answer = ACTIONS[action];
  if (answer === undefined) throw internal("seccomp.unknown_action", `seccomp action ${action} is not known`);
  if (answer !== ERRNO && answer !== TRACE) return answer;
  return answer | ((errnoRet ?? constants.errno.EPERM) & DATA);
}

/** The kernel's own order of severity: signed, the smaller is the stricter. */
export const stricter = (one: number, other: number): boolean => (one & ~DATA) < (other & ~DATA);

/** The call is made, or a tracer that emulates calls decides: telling "no such call" apart would be in the way. */
export const lets = (answer: number): boolean => [TRACE, LOG, ALLOW].includes((answer & ~DATA) >>> 0);
