/** Swarm and managed plugins: families that are refused as a whole, as an engine outside a swarm refuses them. */
import type { Method, Route } from "../route.ts";
import { later, notManager } from "./refusals.ts";

type Row = readonly [id: string, method: Method, path: string];
const noSwarm = { status: 503, message: "this engine cannot form or join a swarm" } as const;
const notPart = { status: 503, message: "This node is not part of a swarm" } as const;

const crud = (noun: string, head: string): readonly Row[] => [
  [`${noun}List`, "GET", head],
  [`${noun}Create`, "POST", `${head}/create`],
  [`${noun}Inspect`, "GET", `${head}/{id}`],
  [`${noun}Update`, "POST", `${head}/{id}/update`],
  [`${noun}Delete`, "DELETE", `${head}/{id}`],
];
const managerRows: readonly Row[] = [
  ["SwarmInspect", "GET", "/swarm"],
  ["SwarmUpdate", "POST", "/swarm/update"],
  ["SwarmUnlockkey", "GET", "/swarm/unlockkey"],
  ...crud("Service", "/services"),
  ["ServiceLogs", "GET", "/services/{id}/logs"],
  ...crud("Node", "/nodes").filter(([id]) => id !== "NodeCreate"),
  ["TaskList", "GET", "/tasks"],
  ["TaskInspect", "GET", "/tasks/{id}"],
  ["TaskLogs", "GET", "/tasks/{id}/logs"],
  ...crud("Secret", "/secrets"),
  ...crud("Config", "/configs"),
];
const pluginRows: readonly Row[] = [
  ["GetPluginPrivileges", "GET", "/plugins/privileges"],
  ["PluginPull", "POST", "/plugins/pull"],
  ["PluginCreate", "POST", "/plugins/create"],
  ["PluginEnable", "POST", "/plugins/{name}/enable"],
  ["PluginDisable", "POST", "/plugins/{name}/disable"],
  ["PluginUpgrade", "POST", "/plugins/{name}/upgrade"],
  ["PluginPush", "POST", "/plugins/{name}/push"],
  ["PluginSet", "POST", "/plugins/{name}/set"],
  ["PluginDelete", "DELETE", "/plugins/{name}"],
];

const refuse = (rows: readonly Row[], refused: NonNullable<Route["refused"]>): Record<string, Route> =>
  Object.fromEntries(
    rows.map(([id, method, path]) => [
      id,
      {
        method,
        path,
        tag: path.startsWith("/plugins") ? "Plugin" : "System",
        summary: "Not offered",
        status: 200,
        reply: "json",
        refused,
      } satisfies Route,
    ]),
  );

export const clusterRoutes: Readonly<Record<string, Route>> = {
  ...refuse(managerRows, notManager),
  ...refuse([["SwarmLeave", "POST", "/swarm/leave"]], notPart),
  ...refuse([["SwarmUnlock", "POST", "/swarm/unlock"]], notPart),
  ...refuse(
    [
      ["SwarmInit", "POST", "/swarm/init"],
      ["SwarmJoin", "POST", "/swarm/join"],
    ],
    noSwarm,
  ),
  ...refuse(pluginRows, later("managed plugins")),
};
