import { pipeline } from "node:stream";
import { expect, test } from "vitest";
import { startHttp } from "../test/harness/http.ts";
import { storedTrace } from "./trace-store.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";
const signal = AbortSignal.timeout(60_000);

async function ask(status: number, body: string) {
  const paths: string[] = [];
  await using store = await startHttp((asked, answer) => {
    paths.push(asked.url ?? "");
    answer.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  const spans = await storedTrace(`${store.url}/`, ID, signal).catch((error: unknown) => error);
  return { spans, paths };
}

const jaeger = (spanID: string, operationName: string, startTime: number, parent?: string) => ({
  spanID,
  operationName,
  startTime,
  duration: 2_000,
  references: parent === undefined ? [] : [{ refType: "CHILD_OF", spanID: parent }],
});

test("Jaeger's answer is a tree in order of time; what has lost its parent stands at the top", async () => {
  const spans = [jaeger("c", "late", 9_000, "a"), jaeger("b", "early", 5_000, "a"), jaeger("a", "root", 4_000, "gone")];
  const found = await ask(200, JSON.stringify({ data: [{ traceID: ID, spans }] }));
  expect(found.paths).toEqual([`/api/traces/${ID}`]);
  expect(found.spans).toEqual([
    {
      name: "root",
      startedAt: 4,
      endedAt: 6,
      note: "",
      children: [
        { name: "early", startedAt: 5, endedAt: 7, note: "", children: [] },
        { name: "late", startedAt: 9, endedAt: 11, note: "", children: [] },
      ],
    },
  ]);
});

test("a span that was sent twice is one, and its own parent is none", async () => {
  const spans = [jaeger("a", "root", 4_000, "a"), jaeger("b", "step", 5_000, "a"), jaeger("b", "step", 5_000, "a")];
  const { spans: found } = await ask(200, JSON.stringify({ data: [{ traceID: ID, spans }] }));
  expect(found).toMatchObject([{ name: "root", children: [{ name: "step", children: [] }] }]);
  expect(found).toHaveProperty("0.children.length", 1);
});

test("so is Tempo's, in either form", async () => {
  const span = {
    spanId: "AQ==",
    name: "root",
    startTimeUnixNano: "1700000000000000000",
    endTimeUnixNano: "1700000000500000000",
  };
  const batches = [
    { resource: {}, scopeSpans: [{ spans: [span, { ...span, spanId: "Ag==", parentSpanId: "AQ==" }] }] },
  ];
  for (const body of [{ batches }, { trace: { resourceSpans: batches } }]) {
    const { spans } = await ask(200, JSON.stringify(body));
    expect(spans).toMatchObject([
      { name: "root", startedAt: 1.7e12, endedAt: 1.7e12 + 500, children: [{ name: "root" }] },
    ]);
  }
});

test.each([
  ["no such trace", 404, "", "object.not_found"],
  ["an empty trace", 200, `{"data":[]}`, "object.not_found"],
  ["a store that refuses", 500, "{}", "server.refused"],
  ["something else", 200, `{"data":"x"}`, "server.refused"],
  ["no JSON", 200, "<html>", "server.unreachable"],
])("%s says so, and what to give", async (_what, status, body, code) => {
  expect((await ask(status, body)).spans).toMatchObject({ code });
});

test("an answer larger than anybody's is refused, though it does not say its length", async () => {
  const chunk = Buffer.alloc(1024 * 1024, " ");
  await using store = await startHttp((_asked, answer) => {
    pipeline(Array(65).fill(chunk), answer, () => {});
  });
  await expect(storedTrace(store.url, ID, signal)).rejects.toThrow("larger than");
});

test("nobody there: unreachable", async () => {
  await expect(storedTrace("http://127.0.0.1:1", ID, signal)).rejects.toMatchObject({ code: "server.unreachable" });
});
