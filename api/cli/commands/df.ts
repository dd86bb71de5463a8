import type { DiskUsageReply } from "../../schema/index.ts";
import { command } from "../parse/command.ts";
import { string } from "../parse/flag.ts";
import { type Noun, renderList } from "../render/format.ts";
import { humanSize } from "../render/units.ts";
import { FORMAT_USAGE } from "./shared.ts";

interface Usage {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly sizeBytes: number;
  readonly reclaimableBytes: number;
  /** Containers with nothing in them show 0 %, other kinds nothing. */
  readonly percentOfNothing: string;
}

const USAGE: Noun<Usage> = {
  typeName: "*formatter.diskUsageContext",
  headers: { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" },
  row: ({ type, total, active, sizeBytes, reclaimableBytes, percentOfNothing }) => ({
    Type: () => type,
    TotalCount: () => String(total),
    Active: () => String(active),
    Size: () => humanSize(sizeBytes),
    Reclaimable: () => {
      const share = sizeBytes > 0 ? ` (${Math.trunc((reclaimableBytes * 100) / sizeBytes)}%)` : percentOfNothing;
      return humanSize(reclaimableBytes) + share;
    },
  }),
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function imageUsage({ Images, LayersSize }: DiskUsageReply): Usage {
  const images = Images ?? [];
  const used = images.filter(({ Containers }) => Containers > 0);
  const inUse = sum(used.filter(({ Size, SharedSize }) => Size !== -1 && SharedSize !== -1).map(({ Size, SharedSize }) => Size - SharedSize));
  return {
    type: "Images",
    total: images.length,
    active: used.length,
    sizeBytes: LayersSize,
    reclaimableBytes: LayersSize - inUse,
    percentOfNothing: "",
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
    percentOfNothing: "",
  };
}

function volumeUsage({ Volumes }: DiskUsageReply): Usage {
  const volumes = (Volumes ?? []) as readonly { readonly UsageData?: { readonly Size: number; readonly RefCount: number } | undefined }[];
  const sizes = (wanted: (references: number) => boolean) =>
    sum(volumes.filter(({ UsageData }) => wanted(UsageData?.RefCount ?? 0)).map(({ UsageData }) => Math.max(0, UsageData?.Size ?? 0)));
  return {
    type: "Local Volumes",
    total: volumes.length,
    active: volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0).length,
    sizeBytes: sizes(() => true),
    reclaimableBytes: sizes((references) => references === 0),
    percentOfNothing: "",
  };
}

function cacheUsage({ BuildCache }: DiskUsageReply): Usage {
  const entries = BuildCache ?? [];
  const size = (inUse: boolean | null) => sum(entries.filter((one) => !one.Shared && (inUse === null || one.InUse === inUse)).map(({ Size }) => Size));
  const active = entries.filter(({ InUse }) => InUse).length;
  return { type: "Build Cache", total: entries.length, active, sizeBytes: size(null), reclaimableBytes: size(false), percentOfNothing: "" };
}

export const diskUsage = command({
  synopsis: "[OPTIONS]",
  summary: "Show disk usage",
  flags: { format: string(FORMAT_USAGE) },
  args: { min: 0, max: 0 },
  run: async ({ context, flags }) => {
    const usage = await context.client.call("GET /system/df");
    const rows = [imageUsage(usage), containerUsage(usage), volumeUsage(usage), cacheUsage(usage)];
    const table = "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}";
    await context.stdout.write(renderList(USAGE, rows, { format: flags.format, quiet: false, table, brief: "{{.Type}}" }));
    return 0;
  },
});
