/**
 * Acquire means register: what was made is undone in reverse order unless `commit()` is the last statement.
 *
 *   await using undo = new Rollback("container.start");
 *   await cgroup.create(); undo.defer("delete cgroup", () => cgroup.remove());
 *   …
 *   undo.commit();
 *
 * Every step is attempted; failures are handed to `onFailure` with the step's name and never hide the first error.
 */
export class Rollback implements AsyncDisposable {
  readonly name: string;
  readonly #steps: { readonly label: string; readonly undo: () => unknown }[] = [];
  readonly #onFailure: (message: string, error: unknown) => void;
  #settled = false;

  constructor(name: string, onFailure: (message: string, error: unknown) => void = () => {}) {
    this.name = name;
    this.#onFailure = onFailure;
  }

  defer(label: string, undo: () => unknown): void {
    if (this.#settled) throw new Error(`rollback ${this.name} is settled, cannot defer "${label}"`);
    this.#steps.push({ label, undo });
  }

  commit(): void {
    this.#settled = true;
    this.#steps.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#settled = true;
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        this.#onFailure(`${this.name}: ${step.label} failed while rolling back`, error);
      }
    }
  }
}
