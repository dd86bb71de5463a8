/** The containers in memory, found by id, name and unique id prefix as Docker finds them. */
import { invalid, notFound } from "../base/errors.ts";
import type { Container } from "./container.ts";

export class Catalog {
  readonly #byId = new Map<string, Container>();
  readonly #byName = new Map<string, Container>();

  add(container: Container): void {
    this.#byId.set(container.id, container);
    this.#byName.set(container.record.name, container);
  }
  renamed(container: Container, oldName: string): void {
    this.#byName.delete(oldName);
    this.#byName.set(container.record.name, container);
  }
  remove(container: Container): void {
    this.#byId.delete(container.id);
    if (this.#byName.get(container.record.name) === container) this.#byName.delete(container.record.name);
  }

  /** Newest first. */
  all(): Container[] {
    return [...this.#byId.values()].reverse();
  }
  byId(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /** Full id, then name (leading slash optional), then unique id prefix. */
  find(ref: string): Container {
    const exact = this.#byId.get(ref) ?? this.#byName.get(ref.replace(/^\//, ""));
    if (exact !== undefined) return exact;
    let found: Container | undefined;
    if (/^[0-9a-f]{1,64}$/.test(ref)) {
      for (const [id, container] of this.#byId) {
        if (!id.startsWith(ref)) continue;
        if (found !== undefined) {
          throw invalid("container.ambiguous", `multiple IDs found with provided prefix: ${ref}`, { details: { ref } });
        }
        found = container;
      }
    }
    if (found === undefined) throw notFound("container.not_found", `No such container: ${ref}`, { details: { ref } });
    return found;
  }
}
