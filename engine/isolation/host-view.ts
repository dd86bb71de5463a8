import { type DeviceObservation, type HostView, NO_DEVICES } from "../spec/host-view.ts";
import type { HostConfig } from "../spec/config.ts";

/** Read once at daemon start; a few small files. */
export function readHostView(): HostView {
  throw new Error("not yet");
}

/** Looks up the device files a HostConfig names; no I/O when it names none. Throws `invalid` naming the device. */
export function observeDevices(_host: HostConfig): DeviceObservation {
  return NO_DEVICES;
}
