import { expect, it } from "vitest";
import { formatSse } from "#platform/http/sse.ts";
import { serverSentEvents, type ServerSentEvent } from "./sse.ts";

async function* chunks(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(body: AsyncIterable<Uint8Array>): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(body)) events.push(event);
  return events;
}

it.each([1, 3, 1_000])(
  "reads what the server writes, in pieces of %d bytes: half a character is no matter",
  async (size) => {
    const written = [
      { event: "token", data: { text: "zwölf 🦉\n\n" } },
      { event: "run.completed", id: "7-end", data: { status: "succeeded" } },
    ];
    const text = `:\n\n${written.map((event) => formatSse(event)).join(":\n\n")}id: 9\nevent: cut\ndata: {`;
    const read = await all(chunks(text, size));
    expect(read.map(({ event, id, data }) => ({ event, ...(id && { id }), data: JSON.parse(data) }))).toEqual(written);
  },
);

it("an event of several data lines is one text; one without data is none", async () => {
  const read = await all(chunks("event: a\r\n\r\ndata: one\r\ndata: two\r\n\r\n", 5));
  expect(read).toEqual([{ event: "message", data: "one\ntwo" }]);
});
