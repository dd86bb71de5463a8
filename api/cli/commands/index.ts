import type { Tree } from "../parse/tree.ts";
export const tree: Tree = { groups: [], entries: [], common: [] };
