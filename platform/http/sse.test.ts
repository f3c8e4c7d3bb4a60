import { expect, test } from "vitest";
import { startHttp } from "../../test/harness/http.ts";
import type { SseEvent } from "./exchange.ts";
import { writeSse } from "./sse.ts";

test("while nothing happens a comment goes by, again and again, and the next event after it is whole", async () => {
  const quiet = new AbortController();
  async function* source(): AsyncGenerator<SseEvent> {
    await new Promise<void>((resolve) => quiet.signal.addEventListener("abort", () => resolve()));
    yield { event: "late", id: "1", data: 1 };
  }
  const signal = AbortSignal.timeout(60_000);
  await using there = await startHttp((_asked, answer) => void writeSse(answer, source(), signal, 5));
  const { body } = await fetch(there.url, { signal });
  let seen = "";
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    seen += chunk;
    if (seen.startsWith(":\n\n:\n\n")) quiet.abort();
  }
  expect(seen).toMatch(/^(:\n\n){2,}id: 1\nevent: late\ndata: 1\n\n$/);
});
