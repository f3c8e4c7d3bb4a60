/** Opens the adapters on a real server of the test's own, provisioned. */
import { openJetStream, type JetStream, type JetStreamOptions } from "#platform/jetstream/jetstream.ts";
import { startNats, type TestNats } from "../../harness/nats.ts";
import type { RunRef } from "#core/ports/record.ts";

export type Opened = AsyncDisposable & { readonly nats: TestNats; readonly store: JetStream };

export async function openStore(options: Partial<JetStreamOptions> = {}): Promise<Opened> {
  const nats = await startNats();
  const store = await connectStore(nats, options);
  await store.provision();
  return {
    nats,
    store,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}

export function connectStore(nats: TestNats, options: Partial<JetStreamOptions> = {}): Promise<JetStream> {
  return openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(60_000), ...options });
}

let runs = 0;

/** A run of its own for each test, so that tests may share a server. */
export function aRun(): RunRef {
  runs += 1;
  return { namespace: "default", run: `run-${runs}`, uid: `uid-${runs}` };
}

export async function collect<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length >= count) break;
  }
  return found;
}
