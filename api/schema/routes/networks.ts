import { list } from "../common.ts";
import { Network, NetworkPruneReply } from "../network.ts";
import { type Route, bool, filters, str } from "../route.ts";
import { Volume, VolumeList, VolumePruneReply } from "../volume.ts";
import { later, notManager } from "./refusals.ts";

const networks = later("user-defined networks");
const volumes = later("managing volumes");

// biome-ignore format: one row per endpoint
export const networkRoutes = {
  NetworkList: { method: "GET", path: "/networks", tag: "Network", summary: "List networks", status: 200, reply: "json", replySchema: list(Network),
    query: { filters: filters("dangling", "driver", "id", "label", "name", "scope", "type") } },
  NetworkInspect: { method: "GET", path: "/networks/{id}", tag: "Network", summary: "Inspect a network", status: 200, reply: "json", replySchema: Network,
    query: { verbose: bool("ignored"), scope: str("local, swarm or global") }, errors: [404] },
  NetworkCreate: { method: "POST", path: "/networks/create", tag: "Network", summary: "Create a network", status: 201, reply: "json", refused: networks },
  NetworkConnect: { method: "POST", path: "/networks/{id}/connect", tag: "Network", summary: "Connect a container", status: 200, reply: "empty", refused: networks },
  NetworkDisconnect: { method: "POST", path: "/networks/{id}/disconnect", tag: "Network", summary: "Disconnect a container", status: 200, reply: "empty", refused: networks },
  NetworkDelete: { method: "DELETE", path: "/networks/{id}", tag: "Network", summary: "Delete a network", status: 204, reply: "empty", errors: [403, 404] },
  NetworkPrune: { method: "POST", path: "/networks/prune", tag: "Network", summary: "Delete unused networks", status: 200, reply: "json", replySchema: NetworkPruneReply,
    query: { filters: filters("label", "label!", "until") }, since: "1.25" },
} as const satisfies Readonly<Record<string, Route>>;

// biome-ignore format: one row per endpoint
export const volumeRoutes = {
  VolumeList: { method: "GET", path: "/volumes", tag: "Volume", summary: "List volumes", status: 200, reply: "json", replySchema: VolumeList,
    query: { filters: filters("dangling", "driver", "label", "name") } },
  VolumeInspect: { method: "GET", path: "/volumes/{name}", tag: "Volume", summary: "Inspect a volume", status: 200, reply: "json", replySchema: Volume, errors: [404] },
  VolumeCreate: { method: "POST", path: "/volumes/create", tag: "Volume", summary: "Create a volume", status: 201, reply: "json", refused: volumes },
  VolumeUpdate: { method: "PUT", path: "/volumes/{name}", tag: "Volume", summary: "Update a cluster volume", status: 200, reply: "empty", refused: notManager },
  VolumeDelete: { method: "DELETE", path: "/volumes/{name}", tag: "Volume", summary: "Delete a volume", status: 204, reply: "empty", refused: volumes },
  VolumePrune: { method: "POST", path: "/volumes/prune", tag: "Volume", summary: "Delete unused volumes", status: 200, reply: "json", replySchema: VolumePruneReply, refused: volumes },
} as const satisfies Readonly<Record<string, Route>>;
