import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { parseTraceparent } from "#core/events/trace-context.ts";
import { openTracing } from "./tracing.ts";

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
const options = (parent: string | undefined) => ({ kind: "internal", parent, attributes: {} }) as const;

test("T1: without an endpoint a given line goes on as it is, and a missing or broken one is made", async () => {
  await using tracing = await openTracing("probe", {}, quiet);
  const { spans } = tracing;
  expect(spans.begin("a", options(GIVEN)).traceparent).toBe(GIVEN);
  const made = [undefined, "", "nonsense"].map((parent) => spans.begin("a", options(parent)).traceparent);
  expect(made.filter((line) => parseTraceparent(line)?.flags !== 1)).toEqual([]);
  expect(new Set(made).size).toBe(3);
  expect(spans).toMatchObject({ keepsIds: false, content: false });
});

test("T1: a span stands in its parent's trace under an id of its own; a caller that samples not is heard", async () => {
  await using tracing = await openTracing("probe", ENDPOINT, quiet);
  const below = (line: string) => parseTraceparent(tracing.spans.begin("a", options(line)).traceparent);
  const given = parseTraceparent(GIVEN);
  expect(below(GIVEN)).toMatchObject({ traceId: given?.traceId, flags: 1 });
  expect(below(GIVEN)?.spanId).not.toBe(given?.spanId);
  expect(below(GIVEN.replace(/01$/, "00"))).toMatchObject({ traceId: given?.traceId, flags: 0 });
  expect(tracing.spans.keepsIds).toBe(true);
});

test("P7, P10: an endpoint that is no address is refused without showing it", async () => {
  const opened = openTracing("probe", { OTEL_EXPORTER_OTLP_ENDPOINT: "user:secret@collector" }, quiet);
  const error = await opened.then(
    () => undefined,
    (fault: unknown) => fault,
  );
  expect(error).toMatchObject({ code: "usage", message: expect.not.stringContaining("secret") });
});

test.each([
  [
    { ...ENDPOINT, OTEL_SDK_DISABLED: "true" },
    { keepsIds: false, content: false },
  ],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: " " }, { keepsIds: false, content: false }],
  [{ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "false" }, { content: false }],
  [{ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true" }, { content: true }],
])("%j is read", async (env, wanted) => {
  await using tracing = await openTracing("probe", env, quiet);
  expect(tracing.spans).toMatchObject(wanted);
});
