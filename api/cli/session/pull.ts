/** Getting an image before create, as run does it. */
import type { Context } from "../context.ts";
import { StatusError } from "../errors.ts";
import { showProgress } from "../render/progress.ts";

/** "busybox" → "busybox:latest"; digests and tags stay. */
export function withTag(image: string): string {
  return image.includes("@") || /:[^/]*$/.test(image) ? image : `${image}:latest`;
}

/** "busybox" → "docker.io/library/busybox". */
export function canonicalRepository(name: string): string {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  if (slash < 0) return `docker.io/library/${name}`;
  const isDomain = first.includes(".") || first.includes(":") || first === "localhost";
  if (!isDomain) return `docker.io/${name}`;
  return first === "index.docker.io" ? `docker.io/${name.slice(slash + 1)}` : name;
}

export async function pullImage(context: Context, image: string, platform: string, quiet: boolean): Promise<void> {
  const tagged = withTag(image);
  const at = tagged.indexOf("@");
  const colon = tagged.lastIndexOf(":");
  const [repository, tag] =
    at >= 0 ? [tagged.slice(0, at), tagged.slice(at + 1)] : [tagged.slice(0, colon), tagged.slice(colon + 1)];
  const messages = await context.client.stream("POST /images/create", {
    query: { fromImage: canonicalRepository(repository), tag, ...(platform === "" ? {} : { platform }) },
  });
  try {
    await showProgress(messages, quiet ? null : context.stderr);
  } catch (error) {
    throw error instanceof StatusError ? new StatusError(125, error.message, { cause: error }) : error;
  }
}
