/** Which files an argv[0] may mean: C tries them in order and knows nothing of environments. Pure. */

/** As execvp, with the PATH the program itself gets: a name with a slash is itself, an empty directory is the current one. */
export function candidates(name: string, env: readonly string[]): readonly string[] {
  if (name.includes("/") || name === "") return [name];
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  const found = path === "" ? [] : path.split(":").map((directory) => `${directory === "" ? "." : directory}/${name}`);
  // nothing to try: the kernel answers ENOENT for "", which is the right answer
  return found.length === 0 ? [""] : found;
}
