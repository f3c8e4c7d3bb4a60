/**
 * Work that begins with its process: a pod that starts was woken, and its wake is still on its way through readiness
 * and proxies. The first wake to arrive joins that work, so that one wake is one slot.
 *
 * Returns what a wake does. `begin` may reject; a rejection that no wake has joined is lost.
 */
export function early(begin: () => Promise<void>): () => Promise<void> {
  const over = (): void => {
    first = undefined;
  };
  let first: Promise<void> | undefined = begin();
  first.then(over, over);
  return () => {
    const joined = first ?? begin();
    over();
    return joined;
  };
}
