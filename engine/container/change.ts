/** rename, update, resize. */
import { conflict, invalid } from "../base/errors.ts";
import { resolveResources } from "../spec/resolve-resources.ts";
import type { ResourceConfig, RestartPolicy } from "../spec/config.ts";
import { validateUpdate } from "../spec/validate.ts";
import type { Container } from "./container.ts";
import type { Context } from "./context.ts";
import { checkName } from "./names.ts";
import { publish } from "./publish.ts";
import { isRunning } from "./state.ts";

export function renameContainer(context: Context, container: Container, name: string): Promise<void> {
  return container.lane.run("rename", () => {
    if (name === "" || name === "/") throw invalid("container.empty_name", "Neither old nor new names may be empty");
    const wanted = checkName(name);
    const oldName = container.record.name;
    if (wanted === oldName) {
      throw invalid("container.same_name", "Renaming a container with the same name as its current name", {
        details: { name: wanted },
      });
    }
    requireAlive(container, "rename");
    container.replaceRecord({ ...container.record, name: wanted });
    context.catalog.renamed(container, oldName);
    publish(context, container, "rename", { oldName: `/${oldName}` });
  });
}

function requireAlive(container: Container, verb: string): void {
  const { status } = container.state;
  if (status === "removing" || status === "dead") {
    throw conflict(
      "container.dead",
      `cannot ${verb} container ${container.id}: container is marked for removal and cannot be "${verb}"`,
    );
  }
}

export interface Changes {
  readonly resources: Partial<ResourceConfig>;
  readonly restartPolicy: RestartPolicy | null;
}

function checkPolicy(container: Container, policy: RestartPolicy | null): void {
  if (policy === null || policy.name === "no") return;
  if (container.record.host.autoRemove) {
    throw invalid(
      "container.autoremove_restart",
      "Restart policy cannot be updated because AutoRemove is enabled for the container",
    );
  }
  if (policy.name !== "on-failure" && policy.maximumRetryCount !== 0) {
    throw invalid(
      "container.restart_policy",
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    );
  }
}

/** Applied to a running container at once; saved only when the kernel took it. Returns warnings. */
export function updateContainer(context: Context, container: Container, changes: Changes): Promise<readonly string[]> {
  return container.lane.run("update", async () => {
    requireAlive(container, "update");
    checkPolicy(container, changes.restartPolicy);
    const { host, warnings } = validateUpdate({
      host: container.record.host,
      changes: changes.resources,
      view: context.view,
      capabilities: context.backend.capabilities,
    });
    const after = changes.restartPolicy === null ? host : { ...host, restartPolicy: changes.restartPolicy };
    const applied =
      container.run === null
        ? []
        : await container.run.sandbox.update(resolveResources(after, context.observeDevices(after)));
    container.replaceRecord({ ...container.record, host: after });
    publish(context, container, "update", {});
    return [...warnings, ...applied];
  });
}

export async function resizeContainer(
  context: Context,
  container: Container,
  rows: number,
  columns: number,
): Promise<void> {
  if (!isRunning(container.state)) throw conflict("container.not_running", `container ${container.id} is not running`);
  if (container.run === null) await container.lane.settled();
  if (container.run === null) throw conflict("container.not_running", `container ${container.id} is not running`);
  if (rows > 0 && columns > 0) await container.run.sandbox.resize(rows, columns);
  publish(context, container, "resize", { height: String(rows), width: String(columns) });
}
