import { expect, test } from "vitest";
import { underRequestSpan } from "./request-span.ts";
import type { SpanAttributes, Spans } from "./spans.ts";

function noting() {
  const said: { name: string; parent: string | undefined; attributes: SpanAttributes; error?: string | undefined }[] =
    [];
  const begin: Spans["begin"] = (name, { parent, attributes }) => {
    const span: (typeof said)[number] = { name, parent, attributes };
    said.push(span);
    return {
      traceparent: "its own line",
      set: (more) => void (span.attributes = { ...span.attributes, ...more }),
      end: (error) => void (span.error = error),
    };
  };
  return { begin, said };
}

const ASKED = { method: "POST", route: "/tasks/{id}", parent: "a caller's line", attributes: { "ark.namespace": "a" } };

test.each([
  [{ kind: "json", status: 202 }, 202, undefined],
  [{ kind: "sse" }, 200, undefined],
  [{ kind: "problem", status: 499 }, 499, undefined],
  [{ kind: "problem", status: 503 }, 503, "503"],
])("%j is a span with status %i and error %s", async (answered, status, error) => {
  const spans = noting();
  const answer = (line: string) => Promise.resolve({ ...answered, line });
  expect(await underRequestSpan(spans, ASKED, answer)).toEqual({ ...answered, line: "its own line" });
  const http = { "http.request.method": "POST", "http.route": "/tasks/{id}", "http.response.status_code": status };
  expect(spans.said).toEqual([
    { name: "POST /tasks/{id}", parent: "a caller's line", attributes: { ...http, "ark.namespace": "a" }, error },
  ]);
});

test("what breaks is an internal error, and goes on breaking", async () => {
  const spans = noting();
  const broken = () => Promise.reject(new Error("no"));
  await expect(underRequestSpan(spans, ASKED, broken)).rejects.toThrow("no");
  expect(spans.said).toMatchObject([{ error: "500" }]);
});
