import { afterAll, beforeAll, expect, test } from "vitest";
import { expectNoLeaks, natsBaseline } from "../../harness/leaks.ts";
import { Lock } from "../../harness/lock.ts";
import { aRun, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

/** Reads until `count` items came; `again` is repeated until the reader has subscribed. */
async function heard<T>(
  watch: (signal: AbortSignal) => AsyncIterable<T>,
  again: () => void,
  count: number,
): Promise<T[]> {
  const end = new AbortController();
  const items: T[] = [];
  const enough = new Lock(count, 20_000);
  const repeat = setInterval(again, 20);
  const reading = (async () => {
    for await (const item of watch(end.signal)) {
      items.push(item);
      enough.unlock();
    }
  })();
  await enough.done.finally(() => clearInterval(repeat));
  end.abort();
  await reading;
  return items;
}

test("hints of all pools reach whoever holds the wakes; nothing is left behind", async () => {
  const { wakes } = opened.store;
  const baseline = await natsBaseline(opened.nats);
  const [first] = await heard(
    (signal) => wakes.watch(signal),
    () => wakes.hint({ namespace: "default", agent: "a" }),
    1,
  );
  expect(first).toEqual({ namespace: "default", agent: "a" });
  await expectNoLeaks(opened.nats, baseline);
});

test("E11: tokens reach the watchers of their run, and of no other", async () => {
  const { tokens } = opened.store;
  const [run, other] = [aRun(), aRun()];
  const seen = await heard(
    (signal) => tokens.watch(run, signal),
    () => {
      tokens.publish(other, "x", "no");
      tokens.publish(run, "write", "Grüß");
    },
    2,
  );
  expect(new Set(seen.map((piece) => JSON.stringify(piece)))).toEqual(
    new Set([JSON.stringify({ step: "write", text: "Grüß" })]),
  );
});

test("hints and tokens without a server are dropped, not piled up, and never throw", async () => {
  await using fresh = await openStore();
  await fresh.nats.stop({ hard: true });
  fresh.store.wakes.hint({ namespace: "default", agent: "a" });
  fresh.store.tokens.publish(aRun(), "write", "x");
  await fresh.store.close();
  fresh.store.wakes.hint({ namespace: "default", agent: "a" });
});
