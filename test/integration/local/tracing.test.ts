/** One trace from the event to the last tool call, as an OTLP collector receives it (design 8). */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import * as z from "zod";
import { parseTraceparent } from "#core/events/trace-context.ts";
import { quiet, startArk } from "../../harness/ark.ts";
import { startHttp } from "../../harness/http.ts";
import { type ReceivedSpan, startOtlp } from "../../harness/otlp.ts";

const PROMPT = "a prompt nobody else says";
const ARGUMENT = "an argument nobody else says";
const RESULT = "a result nobody else says";
const ANSWER = "an answer nobody else says";
const TEXTS = [PROMPT, ARGUMENT, RESULT, ANSWER];

const yaml = (tool: string) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec:
  model: gpt-4o-mini
  systemPrompt: You write.
  tools: [{ name: look, url: "${tool}", inputSchema: { type: object } }]
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: blog }
spec:
  roles: [{ name: write, arkAgent: writer }]
  pipeline: [{ role: write, inputs: { prompt: ${PROMPT} } }]
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: blog }] }
`;
const SERVICE = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec: { model: gpt-4o-mini, systemPrompt: You write. }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkService
metadata: { name: writing }
spec:
  selector: { arkAgent: writer }
  ports: [{ protocol: HTTP, port: 8081 }, { protocol: A2A, port: 8082 }]
---
apiVersion: v1
kind: Secret
metadata: { name: writing-service-token }
stringData: { token: a-token-of-our-own }
`;
const SCRIPT = [
  { toolCalls: [{ name: "look", arguments: { at: ARGUMENT } }], usage: { inputTokens: 11, outputTokens: 5 } },
  { text: ANSWER, usage: { inputTokens: 31, outputTokens: 7 } },
];
/** Name of a span, name of the span it hangs under. */
const TREE = [
  ["POST /triggers/{ns}/{name}", undefined],
  ["ark.dispatch", "POST /triggers/{ns}/{name}"],
  ["ark.run", "ark.dispatch"],
  ["ark.step write", "ark.run"],
  ["invoke_agent writer", "ark.step write"],
  ["chat gpt-4o-mini", "invoke_agent writer"],
  ["chat gpt-4o-mini", "invoke_agent writer"],
  ["execute_tool look", "invoke_agent writer"],
];

test("a run with a tool call is one trace, and no text of it stands there", async () => {
  await using tool = await startTool();
  await using otlp = await startOtlp();
  const run = await runOnce(tool.url, { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url });
  const spans = otlp.spans();
  expect(treeOf(spans)).toEqual(TREE);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([run.status?.traceID]));
  expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(["ark-up"]));
  expect(spans.filter(({ failed }) => failed)).toEqual([]);

  const { name = "", uid = "" } = run.metadata;
  const whole = named(spans, "ark.run");
  expect(whole.startedAt).toBe(Date.parse(run.status?.startTime ?? ""));
  expect(whole.endedAt).toBe(Date.parse(run.status?.completionTime ?? ""));
  expect(whole.attributes).toMatchObject({ "ark.run": name, "ark.team": "blog" });
  const attempt = { "ark.run": name, "ark.step": "write", "ark.task_id": `${uid}/write/0/0` };
  for (const span of ["ark.step write", "invoke_agent writer", "chat gpt-4o-mini", "execute_tool look"])
    expect(named(spans, span).attributes).toMatchObject({ ...attempt, "ark.attempt": expect.anything() });
  expect(named(spans, "invoke_agent writer").attributes).toMatchObject({
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "writer",
  });
  expect(named(spans, "chat gpt-4o-mini").attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
  });
  const tokens = spans
    .filter((span) => span.name.startsWith("chat "))
    .map(({ attributes: all }) => [
      Number(all["gen_ai.usage.input_tokens"]),
      Number(all["gen_ai.usage.output_tokens"]),
    ]);
  expect(tokens).toEqual([
    [11, 5],
    [31, 7],
  ]);
  expect(named(spans, "execute_tool look").attributes).toMatchObject({ "gen_ai.tool.name": "look" });
  expect(TEXTS.filter((text) => otlp.text().includes(text))).toEqual([]);
});

test("a caller's trace goes on; texts stand in it by consent alone", async () => {
  await using tool = await startTool();
  await using otlp = await startOtlp();
  const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    OTEL_SERVICE_NAME: "desk",
    OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true",
  };
  const run = await runOnce(tool.url, env, given);
  expect(run.status?.traceID).toBe(parseTraceparent(given)?.traceId);
  const first = named(otlp.spans(), "POST /triggers/{ns}/{name}");
  expect(first).toMatchObject({ traceId: run.status?.traceID, parent: "00f067aa0ba902b7", service: "desk" });
  expect(TEXTS.filter((text) => otlp.text().includes(text))).toEqual(TEXTS);
});

test.each([
  ["HTTP", () => ({ prompt: PROMPT })],
  [
    "A2A",
    () => ({
      jsonrpc: "2.0",
      id: 1,
      method: "message/send",
      params: { message: { kind: "message", messageId: "m-1", role: "user", parts: [{ kind: "text", text: PROMPT }] } },
    }),
  ],
])("a task over %s is one trace from the router on, below its caller's span", async (_protocol, body) => {
  await using otlp = await startOtlp();
  const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  {
    await using ark = await startArk(SERVICE, [{ text: ANSWER }], quiet, { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url });
    const response = await fetch(`${ark.local.url}/services/default/writing`, {
      method: "POST",
      headers: { authorization: "Bearer a-token-of-our-own", "content-type": "application/json", traceparent: given },
      body: JSON.stringify(body()),
    });
    expect(response.status).toBeLessThan(300);
    expect((await ark.ended(1)).map(({ status }) => status?.phase)).toEqual(["Succeeded"]);
  }
  const spans = otlp.spans();
  expect(treeOf(spans)).toEqual([
    ["POST /services/{ns}/{name}", undefined],
    ["ark.dispatch", "POST /services/{ns}/{name}"],
    ["ark.run", "ark.dispatch"],
    ["ark.step writer", "ark.run"],
    ["invoke_agent writer", "ark.step writer"],
    ["chat gpt-4o-mini", "invoke_agent writer"],
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([parseTraceparent(given)?.traceId]));
  expect(named(spans, "POST /services/{ns}/{name}")).toMatchObject({
    parent: "00f067aa0ba902b7",
    failed: false,
    attributes: { "ark.namespace": "default", "ark.service": "writing", "http.route": "/services/{ns}/{name}" },
  });
});

test("what fails says so with a code, and a run by hand is a trace of its own", async () => {
  await using otlp = await startOtlp();
  const script = [{ status: 400, message: PROMPT }];
  let uid = "";
  {
    await using ark = await startArk(yaml("http://127.0.0.1:9/"), script, quiet, {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    });
    await ark.local.js.objects.create("ArkRun", {
      apiVersion: "arkonis.dev/v1alpha1",
      kind: "ArkRun",
      metadata: { name: "by-hand", namespace: "default" },
      spec: { teamRef: "blog" },
    });
    const [run] = await ark.ended(1);
    uid = run?.metadata.uid ?? "";
    expect(run?.status?.traceID).toBe(uid.replaceAll("-", ""));
  }
  const spans = otlp.spans();
  expect(treeOf(spans)).toEqual([
    ["ark.run", undefined],
    ["ark.step write", "ark.run"],
    ["invoke_agent writer", "ark.step write"],
    ["chat gpt-4o-mini", "invoke_agent writer"],
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([uid.replaceAll("-", "")]));
  expect(spans.map(({ failed, attributes }) => failed && attributes["error.type"])).toEqual(
    spans.map(({ name }) => (name === "ark.run" ? "StepFailed" : "provider.refused")),
  );
  expect(otlp.text()).not.toContain(PROMPT);
});

test("without an endpoint neither the SDK nor its exporter is loaded, and every line is well formed", async () => {
  const probe = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { openTelemetry } = await import("#platform/telemetry/telemetry.ts");
    const seen = async (env) => {
      await using telemetry = await openTelemetry("probe", env, console);
      telemetry.meters.add("ark.event.fires", 1, {});
      const span = telemetry.spans.begin("a", { kind: "internal", parent: undefined, attributes: {} });
      const below = telemetry.spans.begin("b", { kind: "internal", parent: span.traceparent, attributes: {} });
      return { lines: [span.traceparent, below.traceparent], sdk: loaded.filter((url) => /opentelemetry\\/(?!api\\/)/.test(url)).length };
    };
    console.log(JSON.stringify([await seen({}), await seen({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" })]));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", probe]);
  const lines = z.array(z.string());
  const [without, having] = z.array(z.object({ lines, sdk: z.number() })).parse(JSON.parse(stdout));
  expect(without?.sdk).toBe(0);
  expect(parseTraceparent(without?.lines[0])).toBeDefined();
  expect(without?.lines[1]).toBe(without?.lines[0]);
  expect(having?.sdk).toBeGreaterThan(0);
});

/** Everything is exported when this returns: a stop sends what waits. */
async function runOnce(tool: string, env: Readonly<Record<string, string>>, traceparent?: string) {
  await using ark = await startArk(yaml(tool), SCRIPT, quiet, env);
  const caller = traceparent === undefined ? {} : { traceparent };
  expect(await ark.fire("hook", {}, caller)).toMatchObject({ status: 202 });
  const [run] = await ark.ended(1);
  if (run?.status?.phase !== "Succeeded") throw new Error(JSON.stringify(run?.status));
  return run;
}

function treeOf(spans: readonly ReceivedSpan[]): readonly (readonly [string, string | undefined])[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  const depthOf = ({ parent }: ReceivedSpan): number => {
    const above = spans.find(({ spanId }) => spanId === parent);
    return above === undefined ? 0 : depthOf(above) + 1;
  };
  return spans
    .toSorted((a, b) => depthOf(a) - depthOf(b) || (a.name < b.name ? -1 : 1))
    .map(({ name, parent }) => [name, names.get(parent)] as const);
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span ${name}`);
  return found;
}

const startTool = () => startHttp((_request, response) => void response.end(RESULT));
