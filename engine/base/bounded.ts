/** Runs `act` over `items`, at most `width` at a time; resolves when all have settled. `act` must not reject. */
export async function bounded<T>(items: Iterable<T>, width: number, act: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let step = iterator.next(); step.done !== true; step = iterator.next()) await act(step.value);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
