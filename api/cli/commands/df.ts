import type { DiskUsageReply } from "../../schema/index.ts";
import { command } from "../parse/command.ts";
import { bool, string } from "../parse/flag.ts";
import { type Noun, renderList } from "../render/format.ts";
import { CONTAINER } from "../render/nouns/container.ts";
import { IMAGE, imageViews } from "../render/nouns/image.ts";
import { humanSize, since } from "../render/units.ts";
import { FORMAT_USAGE } from "./shared.ts";

interface Usage {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly sizeBytes: number;
  readonly reclaimableBytes: number;
}

const USAGE: Noun<Usage> = {
  typeName: "*formatter.diskUsageContext",
  headers: { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" },
  row: ({ type, total, active, sizeBytes, reclaimableBytes }) => ({
    Type: () => type,
    TotalCount: () => String(total),
    Active: () => String(active),
    Size: () => humanSize(sizeBytes),
    Reclaimable: () => {
      const share = sizeBytes > 0 ? ` (${Math.trunc((reclaimableBytes * 100) / sizeBytes)}%)` : "";
      return humanSize(reclaimableBytes) + share;
    },
  }),
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function imageUsage({ Images, LayersSize }: DiskUsageReply): Usage {
  const images = Images ?? [];
  const used = images.filter(({ Containers }) => Containers > 0);
  const inUse = sum(
    used
      .filter(({ Size, SharedSize }) => Size !== -1 && SharedSize !== -1)
      .map(({ Size, SharedSize }) => Size - SharedSize),
  );
  return {
    type: "Images",
    total: images.length,
    active: used.length,
    sizeBytes: LayersSize,
    reclaimableBytes: LayersSize - inUse,
  };
}

function containerUsage({ Containers }: DiskUsageReply): Usage {
  const containers = Containers ?? [];
  const isActive = ({ State }: { State: string }) => /running|paused|restarting/.test(State);
  return {
    type: "Containers",
    total: containers.length,
    active: containers.filter(isActive).length,
    sizeBytes: sum(containers.map(({ SizeRw }) => SizeRw ?? 0)),
    reclaimableBytes: sum(containers.filter((one) => !isActive(one)).map(({ SizeRw }) => SizeRw ?? 0)),
  };
}

function volumeUsage({ Volumes }: DiskUsageReply): Usage {
  const volumes = (Volumes ?? []) as readonly {
    readonly UsageData?: { readonly Size: number; readonly RefCount: number } | undefined;
  }[];
  const sizes = (wanted: (references: number) => boolean) =>
    sum(
      volumes
        .filter(({ UsageData }) => wanted(UsageData?.RefCount ?? 0))
        .map(({ UsageData }) => Math.max(0, UsageData?.Size ?? 0)),
    );
  return {
    type: "Local Volumes",
    total: volumes.length,
    active: volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0).length,
    sizeBytes: sizes(() => true),
    reclaimableBytes: sizes((references) => references === 0),
  };
}

function cacheUsage({ BuildCache }: DiskUsageReply): Usage {
  const entries = BuildCache ?? [];
  const size = (inUse: boolean | null) =>
    sum(entries.filter((one) => !one.Shared && (inUse === null || one.InUse === inUse)).map(({ Size }) => Size));
  const active = entries.filter(({ InUse }) => InUse).length;
  return { type: "Build Cache", total: entries.length, active, sizeBytes: size(null), reclaimableBytes: size(false) };
}

interface VolumeRow {
  readonly Name: string;
  readonly UsageData?: { readonly Size: number; readonly RefCount: number } | undefined;
}
const VOLUME: Noun<VolumeRow> = {
  typeName: "*formatter.volumeContext",
  headers: { Name: "VOLUME NAME", Links: "LINKS", Size: "SIZE" },
  row: ({ Name, UsageData }) => ({
    Name: () => Name,
    Links: () => (UsageData === undefined ? "N/A" : String(UsageData.RefCount)),
    Size: () => (UsageData === undefined || UsageData.Size < 0 ? "N/A" : humanSize(UsageData.Size)),
  }),
};

type CacheRow = NonNullable<DiskUsageReply["BuildCache"]>[number] & {
  readonly CreatedAt?: string;
  readonly LastUsedAt?: string | null;
  readonly UsageCount?: number;
};
const age = (time: string | null | undefined, nowMs: number): string =>
  time === undefined || time === null ? "" : since(Date.parse(time) / 1000, nowMs);
const CACHE: Noun<{ readonly entry: CacheRow; readonly nowMs: number }> = {
  typeName: "*formatter.buildCacheContext",
  headers: {
    ID: "CACHE ID",
    CacheType: "CACHE TYPE",
    Size: "SIZE",
    CreatedSince: "CREATED",
    LastUsedSince: "LAST USED",
    UsageCount: "USAGE",
    Shared: "SHARED",
  },
  row: ({ entry, nowMs }) => ({
    ID: () => entry.ID.slice(0, 12) + (entry.InUse ? "*" : ""),
    CacheType: () => entry.Type,
    Size: () => humanSize(entry.Size, 3),
    CreatedSince: () => age(entry.CreatedAt, nowMs),
    LastUsedSince: () => age(entry.LastUsedAt, nowMs),
    UsageCount: () => String(entry.UsageCount ?? 0),
    Shared: () => String(entry.Shared),
  }),
};
const CACHE_COLUMNS =
  "{{.ID}}\\t{{.CacheType}}\\t{{.Size}}\\t{{.CreatedSince}}\\t{{.LastUsedSince}}\\t{{.UsageCount}}\\t{{.Shared}}";

const IMAGE_COLUMNS =
  "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}\\t{{.SharedSize}}\\t{{.UniqueSize}}\\t{{.Containers}}";
const CONTAINER_COLUMNS =
  "{{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.LocalVolumes}}\\t{{.Size}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Names}}";

function verboseText(usage: DiskUsageReply, nowMs: number): string {
  const table = <Item>(noun: Noun<Item>, items: readonly Item[], columns: string): string =>
    renderList(noun, items, { format: "", quiet: false, table: columns, brief: "" });
  const images = (usage.Images ?? []).flatMap((image) =>
    imageViews(image, { truncate: true, nowMs, withDigests: false }).slice(0, 1),
  );
  const containers = (usage.Containers ?? []).map((container) => {
    // Here the size is that of the container's own layer.
    const { SizeRootFs: _whole, ...own } = container;
    return { container: own, truncate: true, nowMs };
  });
  const volumes = (usage.Volumes ?? []) as unknown as readonly VolumeRow[];
  return [
    "Images space usage:\n",
    table(IMAGE, images, IMAGE_COLUMNS),
    "Containers space usage:\n",
    table(CONTAINER, containers, CONTAINER_COLUMNS),
    "Local Volumes space usage:\n",
    table(VOLUME, volumes, "{{.Name}}\\t{{.Links}}\\t{{.Size}}"),
    `Build cache usage: ${humanSize(cacheUsage(usage).sizeBytes)}\n`,
    table(
      CACHE,
      (usage.BuildCache ?? []).map((entry) => ({ entry, nowMs })),
      CACHE_COLUMNS,
    ),
  ].join("\n");
}

export const diskUsage = command({
  synopsis: "[OPTIONS]",
  summary: "Show disk usage",
  flags: {
    format: string(FORMAT_USAGE),
    verbose: bool("Show detailed information on space usage", { short: "v" }),
  },
  args: { min: 0, max: 0 },
  run: async ({ context, flags }) => {
    const usage = await context.client.call("GET /system/df");
    if (flags.verbose && flags.format === "") {
      await context.stdout.write(verboseText(usage, context.now()));
      return 0;
    }
    const rows = [imageUsage(usage), containerUsage(usage), volumeUsage(usage), cacheUsage(usage)];
    const table = "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}";
    await context.stdout.write(
      renderList(USAGE, rows, { format: flags.format, quiet: false, table, brief: "{{.Type}}" }),
    );
    return 0;
  },
});
