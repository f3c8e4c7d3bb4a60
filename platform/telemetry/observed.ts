/**
 * Instruments that are read when values go out.
 *
 * B1  What nobody tells any more is 0, for the SDK goes on sending what it was told last: a replica that led once would
 *     tell of its runs beside the one that leads now.
 * B2  What several tell of one series adds up.
 */
import type { Attributes, ObservableCallback } from "@opentelemetry/api";

type Told = { readonly attributes: Attributes; value: number };
type Read = () => Iterable<Told>;

export type Readers = {
  /** For the SDK. */
  readonly callback: ObservableCallback;
  readonly add: (read: Read) => Disposable;
};

export function createReaders(): Readers {
  const readers = new Set<Read>();
  /** All series that were ever told, by their attributes; as many as the SDK itself keeps. */
  const series = new Map<string, Told>();
  return {
    callback(result) {
      for (const one of series.values()) one.value = 0;
      for (const read of readers) for (const told of read()) add(series, told);
      for (const { attributes, value } of series.values()) result.observe(value, attributes);
    },
    add(read) {
      readers.add(read);
      return { [Symbol.dispose]: () => void readers.delete(read) };
    },
  };
}

function add(series: Map<string, Told>, { attributes, value }: Told): void {
  const key = JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const known = series.get(key);
  if (known === undefined) series.set(key, { attributes, value });
  else known.value += value;
}
