/** All commands, with every path that leads to each; the first path is the short one. */
import type { Tree } from "../parse/tree.ts";
import { completion } from "./completion.ts";
import { diskUsage } from "./df.ts";
import { exec } from "./exec.ts";
import { history, images, load, pruneContainers, pruneImages, removeImages, tag } from "./images.ts";
import { inspect, inspectContainers, inspectImages } from "./inspect.ts";
import { kill, pause, remove, rename, restart, stop, unpause, wait } from "./lifecycle.ts";
import { logs } from "./logs.ts";
import { ps } from "./ps.ts";
import { create, run } from "./run.ts";
import { attach, start } from "./start.ts";
import { stats } from "./stats.ts";
import { events, info, ping, systemPrune, version } from "./system.ts";
import { port, top } from "./top.ts";
import { update } from "./update.ts";

export const tree: Tree = {
  groups: [
    { name: "container", summary: "Manage containers" },
    { name: "image", summary: "Manage images" },
    { name: "system", summary: "Manage the daemon and its disk use" },
  ],
  common: ["run", "exec", "ps", "logs", "load", "images", "version", "info"],
  entries: [
    { command: attach, paths: ["attach", "container attach"] },
    { command: completion, paths: ["completion"] },
    { command: create, paths: ["create", "container create"] },
    { command: events, paths: ["events", "system events"] },
    { command: exec, paths: ["exec", "container exec"] },
    { command: history, paths: ["history", "image history"] },
    { command: images, paths: ["images", "image ls", "image list"] },
    { command: info, paths: ["info", "system info"] },
    { command: inspect, paths: ["inspect"] },
    { command: inspectContainers, paths: ["container inspect"] },
    { command: inspectImages, paths: ["image inspect"] },
    { command: kill, paths: ["kill", "container kill"] },
    { command: load, paths: ["load", "image load"] },
    { command: logs, paths: ["logs", "container logs"] },
    { command: pause, paths: ["pause", "container pause"] },
    { command: port, paths: ["port", "container port"] },
    { command: ps, paths: ["ps", "container ls", "container list", "container ps"] },
    { command: rename, paths: ["rename", "container rename"] },
    { command: restart, paths: ["restart", "container restart"] },
    { command: remove, paths: ["rm", "container rm", "container remove"] },
    { command: removeImages, paths: ["rmi", "image rm", "image remove"] },
    { command: run, paths: ["run", "container run"] },
    { command: start, paths: ["start", "container start"] },
    { command: stats, paths: ["stats", "container stats"] },
    { command: stop, paths: ["stop", "container stop"] },
    { command: tag, paths: ["tag", "image tag"] },
    { command: top, paths: ["top", "container top"] },
    { command: unpause, paths: ["unpause", "container unpause"] },
    { command: update, paths: ["update", "container update"] },
    { command: version, paths: ["version", "system version"] },
    { command: wait, paths: ["wait", "container wait"] },
    { command: pruneContainers, paths: ["container prune"] },
    { command: pruneImages, paths: ["image prune"] },
    { command: diskUsage, paths: ["system df"] },
    { command: ping, paths: ["ping", "system ping"] },
    { command: systemPrune, paths: ["system prune"] },
  ],
};
