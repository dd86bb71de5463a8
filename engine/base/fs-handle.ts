/** Entries below a directory handle: /proc/self/fd/N is the handle itself, and one name under it follows no other link. */
import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";

/** Names are bytes. */
const under = (dir: number, name: Buffer): Buffer => Buffer.concat([Buffer.from(`/proc/self/fd/${dir}/`), name]);

export const childNames = (dir: number): Buffer[] => readdirSync(`/proc/self/fd/${dir}`, { encoding: "buffer" });
/** Of the entry itself, also when it is a link. */
export const childStat = (dir: number, name: Buffer): Stats => lstatSync(under(dir, name));
export const childLink = (dir: number, name: Buffer): Buffer => readlinkSync(under(dir, name), "buffer");
