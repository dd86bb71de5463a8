/** A create request with nothing asked for; tests say only what differs. */
import type { ContainerConfig, CreateRequest, HostConfig } from "../../../../engine/spec/config.ts";
import { configDefaults, hostDefaults } from "../../../support/config-defaults.ts";

export const emptyConfig: ContainerConfig = { ...configDefaults, image: "probe:latest" };
export const emptyHost: HostConfig = { ...hostDefaults, logConfig: { type: "", config: {} } };

export const createRequest = (
  changes: { name?: string; config?: Partial<ContainerConfig>; host?: Partial<HostConfig>; platform?: string } = {},
): CreateRequest => ({
  name: changes.name ?? null,
  platform: changes.platform ?? null,
  config: { ...emptyConfig, ...changes.config },
  host: { ...emptyHost, ...changes.host },
  endpoints: {},
});
