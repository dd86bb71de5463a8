import type { IsolationBackend } from "../backend.ts";
import type { BackendOptions } from "../select.ts";

export function openNamespaceBackend(_options: BackendOptions): IsolationBackend {
  throw new Error("not yet");
}
