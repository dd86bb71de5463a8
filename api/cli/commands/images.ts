import { command } from "../parse/command.ts";
import { bool, filter, list, string } from "../parse/flag.ts";
import { StatusError } from "../errors.ts";
import { renderList, usesField } from "../render/format.ts";
import { HISTORY } from "../render/nouns/history.ts";
import { IMAGE, imageViews } from "../render/nouns/image.ts";
import { showProgress } from "../render/progress.ts";
import { humanSize } from "../render/units.ts";
import { explain } from "../explain.ts";
import { readInput } from "../context.ts";
import { canonicalRepository } from "../session/pull.ts";
import { confirm, FORMAT_USAGE } from "./shared.ts";

const MANY = Number.POSITIVE_INFINITY;

export const images = command({
  synopsis: "[OPTIONS] [REPOSITORY[:TAG]]",
  summary: "List images",
  flags: {
    all: bool("Show all images (default hides intermediate images)", { short: "a" }),
    digests: bool("Show digests"),
    filter: filter("Filter output based on conditions provided", { short: "f" }),
    format: string(FORMAT_USAGE),
    "no-trunc": bool("Don't truncate output"),
    quiet: bool("Only show image IDs", { short: "q" }),
  },
  args: { min: 0, max: 1 },
  complete: ["image", "none"],
  run: async ({ context, flags, args }) => {
    const filters = args[0] === undefined ? flags.filter : { ...flags.filter, reference: [args[0]] };
    const found = await context.client.call("GET /images/json", {
      query: { ...(flags.all ? { all: true } : {}), filters },
    });
    const nowMs = context.now();
    const withDigests = flags.digests || usesField(flags.format.replace(/json/g, ""), "Digest");
    const views = found.flatMap((image) => imageViews(image, { truncate: !flags["no-trunc"], nowMs, withDigests }));
    const digest = flags.digests ? "{{.Digest}}\\t" : "";
    const table = `{{.Repository}}\\t{{.Tag}}\\t${digest}{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}`;
    const choice = { format: flags.format, quiet: flags.quiet, table, brief: "{{.ID}}" };
    await context.stdout.write(renderList(IMAGE, views, choice));
    return 0;
  },
});

export const history = command({
  synopsis: "[OPTIONS] IMAGE",
  summary: "Show the history of an image",
  flags: {
    format: string(FORMAT_USAGE),
    human: bool("Print sizes and dates in human readable format", { short: "H", initial: true, shown: "true" }),
    "no-trunc": bool("Don't truncate output"),
    platform: string('Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")'),
    quiet: bool("Only show image IDs", { short: "q" }),
  },
  args: { min: 1, max: 1 },
  complete: ["image", "none"],
  run: async ({ context, flags, args }) => {
    const items = await context.client.call("GET /images/{name}/history", {
      path: { name: args[0] ?? "" },
      query: flags.platform === "" ? {} : { platform: platformJson(flags.platform) },
    });
    const nowMs = context.now();
    const views = items.map((item) => ({ item, truncate: !flags["no-trunc"], human: flags.human, nowMs }));
    const created = flags.human ? "{{.CreatedSince}}" : "{{.CreatedAt}}";
    const table = `{{.ID}}\\t${created}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}`;
    await context.stdout.write(
      renderList(HISTORY, views, { format: flags.format, quiet: flags.quiet, table, brief: "{{.ID}}" }),
    );
    return 0;
  },
});

/** "linux/arm64/v8" → the API's JSON form. */
export function platformJson(text: string): string {
  const [os = "", architecture, variant, ...more] = text.split("/");
  if (os === "" || more.length > 0)
    throw new StatusError(1, `invalid platform ${JSON.stringify(text)}: expected os[/arch[/variant]]`);
  return JSON.stringify({
    ...(architecture === undefined ? {} : { architecture }),
    os,
    ...(variant === undefined ? {} : { variant }),
  });
}

export const tag = command({
  synopsis: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  flags: {},
  args: { min: 2, max: 2 },
  complete: ["image"],
  run: async ({ context, args }) => {
    const [name = "", target = ""] = args;
    if (target.includes("@")) throw new StatusError(1, "refusing to create a tag with a digest reference");
    const colon = target.lastIndexOf(":");
    const hasTag = colon > target.lastIndexOf("/");
    const [repository, label] = hasTag ? [target.slice(0, colon), target.slice(colon + 1)] : [target, "latest"];
    const query = { repo: canonicalRepository(repository), tag: label };
    await context.client.call("POST /images/{name}/tag", { path: { name }, query });
    return 0;
  },
});

export const removeImages = command({
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Remove one or more images",
  flags: {
    force: bool("Force removal of the image", { short: "f" }),
    "no-prune": bool("Do not delete untagged parents"),
    platform: list('Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")'),
  },
  args: { min: 1, max: MANY },
  complete: ["image"],
  run: async ({ context, flags, args }) => {
    const platforms = flags.platform.map(platformJson);
    const query = {
      ...(flags.force ? { force: true } : {}),
      ...(flags["no-prune"] ? { noprune: true } : {}),
      ...(platforms.length === 0 ? {} : { platforms }),
    };
    const failures: string[] = [];
    let fatal = false;
    for (const name of args) {
      try {
        for (const { Deleted, Untagged } of await context.client.call("DELETE /images/{name}", {
          path: { name },
          query,
        })) {
          await context.stdout.write(
            Deleted === undefined || Deleted === "" ? `Untagged: ${Untagged}\n` : `Deleted: ${Deleted}\n`,
          );
        }
      } catch (error) {
        const missing = error instanceof Error && "status" in error && error.status === 404;
        if (!missing) fatal = true;
        failures.push(explain(error).text);
      }
    }
    if (failures.length === 0) return 0;
    // With -f an image that is not there is no failure.
    if (fatal || !flags.force) throw new StatusError(1, failures.join("\n"));
    await context.stderr.write(`${failures.join("\n")}\n`);
    return 0;
  },
});

export const load = command({
  synopsis: "[OPTIONS]",
  summary: "Load an image from a tar archive or STDIN",
  flags: {
    input: string("Read from tar archive file, instead of STDIN", { short: "i", complete: "file" }),
    platform: list('Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")'),
    quiet: bool("Suppress the load output", { short: "q" }),
  },
  args: { min: 0, max: 0 },
  examples: [["load -i image.tar", "an archive of docker save, or an OCI layout"]],
  run: async ({ context, flags }) => {
    if (flags.input === "" && context.stdin.isTerminal) {
      throw new StatusError(1, "requested load from stdin, but stdin is empty");
    }
    if (flags.input !== "" && !context.files.exists(flags.input)) {
      throw new StatusError(1, `open ${flags.input}: no such file or directory`);
    }
    const content = flags.input === "" ? readInput(context.stdin) : context.files.stream(flags.input);
    const platforms = flags.platform.map(platformJson);
    const quiet = flags.quiet || !context.stdout.isTerminal;
    const messages = await context.client.upload("POST /images/load", content, {
      query: { quiet, ...(platforms.length === 0 ? {} : { platform: platforms }) },
    });
    await showProgress(messages, context.stdout);
    return 0;
  },
});

export const pruneImages = command({
  synopsis: "[OPTIONS]",
  summary: "Remove unused images",
  flags: {
    all: bool("Remove all unused images, not just dangling ones", { short: "a" }),
    filter: filter('Provide filter values (e.g. "until=<timestamp>")'),
    force: bool("Do not prompt for confirmation", { short: "f" }),
  },
  args: { min: 0, max: 0 },
  run: async ({ context, flags }) => {
    const kind = flags.all ? "all images without at least one container associated to them" : "all dangling images";
    if (
      !flags.force &&
      !(await confirm(context, `WARNING! This will remove ${kind}.\nAre you sure you want to continue?`))
    ) {
      throw new StatusError(1, "image prune has been cancelled");
    }
    const filters = { dangling: [String(!flags.all)], ...flags.filter };
    const { ImagesDeleted, SpaceReclaimed } = await context.client.call("POST /images/prune", { query: { filters } });
    const lines = (ImagesDeleted ?? []).map(({ Deleted, Untagged }) =>
      Untagged === undefined || Untagged === "" ? `deleted: ${Deleted}` : `untagged: ${Untagged}`,
    );
    if (lines.length > 0) await context.stdout.write(`Deleted Images:\n${lines.join("\n")}\n\n`);
    await context.stdout.write(`Total reclaimed space: ${humanSize(SpaceReclaimed)}\n`);
    return 0;
  },
});

export const pruneContainers = command({
  synopsis: "[OPTIONS]",
  summary: "Remove all stopped containers",
  flags: {
    filter: filter('Provide filter values (e.g. "until=<timestamp>")'),
    force: bool("Do not prompt for confirmation", { short: "f" }),
  },
  args: { min: 0, max: 0 },
  run: async ({ context, flags }) => {
    const question = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?";
    if (!flags.force && !(await confirm(context, question)))
      throw new StatusError(1, "container prune has been cancelled");
    const reply = await context.client.call("POST /containers/prune", { query: { filters: flags.filter } });
    const deleted = reply.ContainersDeleted ?? [];
    if (deleted.length > 0) await context.stdout.write(`Deleted Containers:\n${deleted.join("\n")}\n\n`);
    await context.stdout.write(`Total reclaimed space: ${humanSize(reply.SpaceReclaimed)}\n`);
    return 0;
  },
});
