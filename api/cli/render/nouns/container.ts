/** A row of `ps`. */
import type { ContainerSummary } from "../../../schema/index.ts";
import type { Noun } from "../format.ts";
import { ellipsis, goTime, humanSize, since } from "../units.ts";
import { showPorts } from "./ports.ts";

export interface ContainerView {
  readonly container: ContainerSummary;
  readonly truncate: boolean;
  readonly nowMs: number;
}

export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
const LINK_FREE = (name: string): boolean => !name.includes("/");

function names({ container, truncate }: ContainerView): string {
  const bare = container.Names.map((name) => name.replace(/^\//, ""));
  return (truncate ? bare.filter(LINK_FREE) : bare).join(",");
}

function image({ container, truncate }: ContainerView): string {
  const { Image, ImageID } = container;
  if (Image === "") return "<no image>";
  if (!truncate) return Image;
  if (shortId(ImageID) === shortId(Image)) return shortId(ImageID);
  // A digest says nothing to people; the name before it does.
  return Image.replace(/@sha256:[0-9a-f]{64}$/, "");
}

function size({ container }: ContainerView): string {
  const own = humanSize(container.SizeRw ?? 0, 3);
  const whole = container.SizeRootFs ?? 0;
  return whole > 0 ? `${own} (virtual ${humanSize(whole, 3)})` : own;
}

const labels = ({ container }: ContainerView): string =>
  Object.keys(container.Labels ?? {})
    .sort()
    .map((key) => `${key}=${container.Labels[key]}`)
    .join(",");

const mounts = ({ container, truncate }: ContainerView): string =>
  (container.Mounts ?? [])
    .map((mount) => (mount.Name === undefined || mount.Name === "" ? mount.Source : mount.Name))
    .map((name) => (truncate ? ellipsis(name, 15) : name))
    .join(",");

export const CONTAINER: Noun<ContainerView> = {
  typeName: "*formatter.ContainerContext",
  headers: {
    ID: "CONTAINER ID",
    Names: "NAMES",
    Image: "IMAGE",
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    Ports: "PORTS",
    State: "STATE",
    Status: "STATUS",
    Size: "SIZE",
    Labels: "LABELS",
    Mounts: "MOUNTS",
    LocalVolumes: "LOCAL VOLUMES",
    Networks: "NETWORKS",
    Platform: "PLATFORM",
  },
  row: (view) => {
    const { container, truncate, nowMs } = view;
    return {
      ID: () => (truncate ? shortId(container.Id) : container.Id),
      Names: () => names(view),
      Image: () => image(view),
      Command: () => JSON.stringify(truncate ? ellipsis(container.Command, 20) : container.Command),
      CreatedAt: () => goTime(container.Created),
      RunningFor: () => since(container.Created, nowMs),
      Ports: () => showPorts(container.Ports),
      State: () => container.State,
      Status: () => container.Status,
      Size: () => size(view),
      Labels: () => labels(view),
      Label: (name: string) => container.Labels?.[name] ?? "",
      Mounts: () => mounts(view),
      LocalVolumes: () => String((container.Mounts ?? []).filter(({ Driver }) => Driver === "local").length),
      Networks: () =>
        Object.keys(container.NetworkSettings?.Networks ?? {})
          .sort()
          .join(","),
      Platform: () => null,
    };
  },
};
