import { expect, test } from "vitest";
import { merge } from "./merge.ts";

async function* waits(signal: AbortSignal): AsyncGenerator<string> {
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  yield "late";
}

test("a source that stands between two items is told to return when the reader leaves; one that waits is not awaited", async () => {
  const stop = new AbortController();
  let told = (): void => {};
  const released = new Promise<void>((resolve) => (told = resolve));
  async function* holds(): AsyncGenerator<string> {
    try {
      yield "first";
      yield "second";
    } finally {
      told();
    }
  }
  const seen: string[] = [];
  for await (const item of merge([waits(stop.signal), holds()])) {
    seen.push(item);
    break;
  }
  await released;
  expect(seen).toEqual(["first"]);
  stop.abort();
});

test("the fault of one source ends the whole, although another waits", async () => {
  const stop = new AbortController();
  async function* fails(): AsyncGenerator<string> {
    yield "first";
    throw new Error("gone");
  }
  const seen: string[] = [];
  const read = async () => {
    for await (const item of merge([waits(stop.signal), fails()])) seen.push(item);
  };
  await expect(read()).rejects.toThrow("gone");
  expect(seen).toEqual(["first"]);
  stop.abort();
});
