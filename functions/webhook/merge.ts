/**
 * Several async iterables as one, in order of arrival. Takes from a source only what has been asked for, so a slow
 * reader holds back all of them. Sources that wait end by their own signal: abort it when leaving early.
 */
type Next<T> = { readonly iterator: AsyncIterator<T>; readonly result: IteratorResult<T> };

export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const pending = new Map<AsyncIterator<T>, Promise<Next<T>>>();
  const ask = (iterator: AsyncIterator<T>) => {
    const next = iterator.next().then((result) => ({ iterator, result }));
    // Whoever wins the race is read below; the others may fail after this generator has been left.
    next.catch(() => {});
    pending.set(iterator, next);
  };
  for (const source of sources) ask(source[Symbol.asyncIterator]());
  try {
    while (pending.size > 0) {
      const { iterator, result } = await Promise.race(pending.values());
      if (result.done === true) {
        pending.delete(iterator);
        continue;
      }
      yield result.value;
      ask(iterator);
    }
  } finally {
    // Between two items a source hears no signal: told to return, it lets go of what it holds. Not awaited, for others
    // answer only when they have come to their end.
    for (const iterator of pending.keys()) iterator.return?.().catch(() => {});
  }
}
