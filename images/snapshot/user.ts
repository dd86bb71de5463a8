/**
 * Who a user spec is inside an image (docker-api.md §12 "User"; the model is Docker's user package).
 *
 * Attacks (security.md): a passwd entry whose *name* is a number (CVE-2016-3697), ids that overflow to 0 (CVE-2024-40635),
 * "+0" and "0x0" that some parser reads as 0 (CVE-2026-46680), a huge /etc/group (CVE-2026-47262). So: only digits are a
 * number, a number is always an id and never a name, an id out of range is an error wherever it stands, and the files
 * are bounded. Where Docker would read an unreadable id in a file as 0, we skip the line.
 */
import { invalid } from "../../engine/base/errors.ts";
import type { OpenRoot, ResolvedUser } from "../types.ts";
import { readFileInRoot } from "./root.ts";

const FILE_MAX = 16 << 20;
const ID_MAX = 2 ** 31 - 1;
/** NGROUPS_MAX */
const GROUPS_MAX = 65536;

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}
interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: string;
}

const isNumber = (text: string): boolean => /^[0-9]+$/.test(text);
const isSignedNumber = (text: string): boolean => /^-[0-9]+$/.test(text);

function idOf(text: string): number {
  const id = Number(text);
  if (!(id >= 0 && id <= ID_MAX))
    throw invalid("user.out_of_range", `uids and gids must be in range 0-${ID_MAX}: ${text.slice(0, 64)}`, {
      details: { user: text.slice(0, 64) },
    });
  return id;
}

/**
 * Resolves a Docker user spec ("", "1000", "name", "uid:gid", "name:group") in an opened root.
 * Throws invalid `unable to find user x: no matching entries in passwd file`.
 */
export function lookupUser(root: Pick<OpenRoot, "fd">, spec: string): ResolvedUser {
  const [userText = "", groupText = ""] = spec
    .trim()
    .split(":")
    .map((part) => part.trim());
  const passwd = readFileInRoot(root.fd, "/etc/passwd", FILE_MAX);
  const entry = findUser(passwd, userText);
  const uid = entry?.uid ?? numericUser(userText);
  const groups = groupText !== "" || entry !== null ? readFileInRoot(root.fd, "/etc/group", FILE_MAX) : null;
  const gid = groupText === "" ? (entry?.gid ?? 0) : findGroup(groups, groupText);
  const supplementary = groupText === "" && entry !== null ? groupsOf(groups, entry.name) : [];
  // HOME is looked up by number, as the runtime does: the first entry with that uid.
  const home = firstWithUid(passwd, uid)?.home ?? "";
  return {
    uid,
    gid,
    additionalGids: [...new Set([gid, ...supplementary])],
    home: home === "" ? "/" : home,
    ...(entry === null ? {} : { name: entry.name }),
  };
}

function numericUser(text: string): number {
  if (text === "") return 0;
  if (isNumber(text) || isSignedNumber(text)) return idOf(text);
  throw invalid("user.not_found", `unable to find user ${text}: no matching entries in passwd file`, {
    details: { user: text },
  });
}

function findUser(passwd: Buffer | null, text: string): PasswdEntry | null {
  if (isSignedNumber(text)) return null;
  if (text === "" || isNumber(text)) return firstWithUid(passwd, text === "" ? 0 : idOf(text));
  for (const fields of lines(passwd)) {
    if (fields[0] !== text) continue;
    const entry = passwdEntry(fields);
    // The name exists but its ids are nonsense: an error, never a silent 0.
    if (entry === null)
      throw invalid("user.out_of_range", `the passwd entry of user ${text} has ids out of range 0-${ID_MAX}`, {
        details: { user: text },
      });
    return entry;
  }
  return null;
}

function firstWithUid(passwd: Buffer | null, uid: number): PasswdEntry | null {
  for (const fields of lines(passwd)) {
    const entry = passwdEntry(fields);
    if (entry !== null && entry.uid === uid) return entry;
  }
  return null;
}

function passwdEntry(fields: readonly string[]): PasswdEntry | null {
  const [name = "", , uid = "", gid = "", , home = ""] = fields;
  if (!isNumber(uid) || !isNumber(gid) || Number(uid) > ID_MAX || Number(gid) > ID_MAX) return null;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

function groupEntry(fields: readonly string[]): GroupEntry | null {
  const [name = "", , gid = "", members = ""] = fields;
  return isNumber(gid) && Number(gid) <= ID_MAX ? { name, gid: Number(gid), members } : null;
}

function findGroup(groups: Buffer | null, text: string): number {
  const wanted = isNumber(text) || isSignedNumber(text) ? idOf(text) : null;
  if (wanted !== null) return wanted;
  for (const fields of lines(groups)) {
    const entry = groupEntry(fields);
    if (entry !== null && entry.name === text) return entry.gid;
  }
  throw invalid("group.not_found", `unable to find group ${text}: no matching entries in group file`, {
    details: { group: text },
  });
}

function groupsOf(groups: Buffer | null, user: string): number[] {
  const gids: number[] = [];
  for (const fields of lines(groups)) {
    // A cheap test first: a million members are one long string, split only when the name is in it.
    if (fields[3]?.includes(user) !== true) continue;
    const entry = groupEntry(fields);
    if (entry?.members.split(",").some((member) => member.trim() === user) !== true) continue;
    gids.push(entry.gid);
    if (gids.length > GROUPS_MAX)
      throw invalid("user.too_many_groups", `user ${user} is in more than ${GROUPS_MAX} groups`, { details: { user } });
  }
  return gids;
}

/** Group names or numbers of `--group-add` (docker-api.md §3). Throws invalid `unable to find group x: …`. */
export function lookupGroups(root: Pick<OpenRoot, "fd">, specs: readonly string[]): number[] {
  if (specs.length === 0) return [];
  const groups = specs.every(isNumber) ? null : readFileInRoot(root.fd, "/etc/group", FILE_MAX);
  return specs.map((spec) => findGroup(groups, spec));
}

/** Colon-separated fields of each line that is neither empty nor a comment. */
function* lines(file: Buffer | null): Generator<readonly string[]> {
  if (file === null) return;
  for (let at = 0; at < file.length; ) {
    const newline = file.indexOf(10, at);
    const end = newline === -1 ? file.length : newline;
    const line = file.toString("utf8", at, end).trim();
    at = end + 1;
    if (line !== "" && !line.startsWith("#")) yield line.split(":").map((part) => part.trim());
  }
}
