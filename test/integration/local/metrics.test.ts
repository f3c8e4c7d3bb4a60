/** What a whole run counts, as an OTLP collector receives it (docs/operations.md, "Metrics"). */
import { expect, test } from "vitest";
import { INSTRUMENTS } from "#core/ports/instruments.ts";
import type { Instruments } from "#core/ports/meters.ts";
import { lastUserText, type Script } from "../../../local/model-server/script.ts";
import { quiet, startArk } from "../../harness/ark.ts";
import { startHttp } from "../../harness/http.ts";
import { Lock } from "../../harness/lock.ts";
import { startOtlp } from "../../harness/otlp.ts";
import type { ReceivedPoint } from "../../harness/otlp-metrics.ts";

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
  pipeline: [{ role: write, inputs: { prompt: a prompt nobody else says } }]
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: thrifty }
spec:
  roles: [{ name: write, arkAgent: writer }]
  pipeline: [{ role: write, inputs: { prompt: a prompt nobody else says } }]
  maxTokens: 1
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: checked }
spec:
  roles: [{ name: write, arkAgent: writer }, { name: check, arkAgent: writer }]
  pipeline:
    - { role: write, name: first, inputs: { prompt: good } }
    - role: write
      name: second
      inputs: { prompt: bad once }
      dependsOn: [first]
      validate: { contains: good, onFailure: retry, maxRetries: 2 }
    - { role: write, name: third, inputs: { prompt: good }, dependsOn: [second], if: "{{ false }}" }
    - { role: check, name: fourth, inputs: { prompt: refused }, dependsOn: [second] }
    - { role: check, name: fifth, inputs: { prompt: for ever }, dependsOn: [second] }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: check }
spec: { source: { type: webhook }, targets: [{ team: checked }] }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: blog }] }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: poor }
spec: { source: { type: webhook }, targets: [{ team: thrifty }] }
`;
const SCRIPT = [
  { toolCalls: [{ name: "look" }, { name: "made up" }], usage: { inputTokens: 11, outputTokens: 5 } },
  { text: "An answer.", usage: { inputTokens: 31, outputTokens: 7 } },
];
/** Nothing was denied or lost; wakes and reconcilers are a cluster's. */
const WHOLE_RUN = [
  "ark.event.fires",
  "ark.run.duration",
  "ark.runs.active",
  "ark.step.attempts",
  "ark.step.duration",
  "ark.step.queue_wait",
  "ark.tool.duration",
  "gen_ai.client.operation.duration",
  "gen_ai.client.token.usage",
  "http.server.request.duration",
  "messaging.client.consumed.messages",
  "messaging.client.sent.messages",
  "messaging.process.duration",
];
const CHAT = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o-mini",
  "gen_ai.response.model": "gpt-4o-mini",
};

test("a run counts its calls, tokens and tools; no name of a run is among the attributes", async () => {
  await using tool = await startTool();
  await using otlp = await startOtlp();
  const names = await runs(["hook"], tool.url, otlp.url);
  const points = otlp.points();
  expect(seriesOf(points, "gen_ai.client.token.usage")).toEqual([
    { count: 2, value: 42, attributes: { ...CHAT, "gen_ai.token.type": "input" } },
    { count: 2, value: 12, attributes: { ...CHAT, "gen_ai.token.type": "output" } },
  ]);
  expect(seriesOf(points, "gen_ai.client.operation.duration")).toMatchObject([{ count: 2, attributes: CHAT }]);
  expect(seriesOf(points, "ark.tool.duration")).toMatchObject([
    { count: 1, attributes: { "gen_ai.tool.name": "_OTHER", "error.type": "tool.unknown" } },
    { count: 1, attributes: { "gen_ai.tool.name": "look" } },
  ]);
  const blog = { "ark.namespace": "default", "ark.team": "blog" };
  const written = { ...blog, "ark.role": "write" };
  const succeeded = { "ark.outcome": "succeeded" };
  expect(seriesOf(points, "ark.run.duration")).toMatchObject([{ count: 1, attributes: { ...blog, ...succeeded } }]);
  expect(seriesOf(points, "ark.step.duration")).toMatchObject([{ count: 1, attributes: { ...written, ...succeeded } }]);
  expect(seriesOf(points, "ark.step.queue_wait")).toMatchObject([{ count: 1, attributes: written }]);
  expect(seriesOf(points, "ark.step.attempts")).toMatchObject([{ value: 1, attributes: { ...written, ...succeeded } }]);
  expect(seriesOf(points, "ark.runs.active")).toMatchObject([{ count: 1, attributes: blog }]);
  const fire = { "ark.namespace": "default", "ark.event": "hook", "ark.outcome": "fired" };
  expect(seriesOf(points, "ark.event.fires")).toEqual([{ count: 1, value: 1, attributes: fire }]);
  const posted = seriesOf(points, "http.server.request.duration");
  expect(posted.filter(({ attributes }) => attributes["http.request.method"] === "POST")).toMatchObject([
    {
      count: 1,
      attributes: {
        "http.request.method": "POST",
        "http.route": "/triggers/{ns}/{name}",
        "http.response.status_code": 202,
      },
    },
  ]);
  expect([...new Set(points.map(({ name }) => name))]).toEqual(WHOLE_RUN);
  expect(names.filter((name) => JSON.stringify(points).includes(name))).toEqual([]);
  expect(otlp.text()).not.toContain("a prompt nobody else says");
  expect(points.filter((point) => !isDeclared(point))).toEqual([]);
});

test("steps and attempts are counted by how they ended, the run by its reason", async () => {
  await using tool = await startTool();
  await using otlp = await startOtlp();
  const told = new Lock();
  let bad = 0;
  await runs(["check"], tool.url, otlp.url, (request) => {
    const prompt = lastUserText(request);
    if (prompt.includes("for ever")) {
      told.unlock();
      return { hang: true };
    }
    if (prompt.includes("refused")) return { status: 400, message: "no", until: told.done };
    return { text: prompt.includes("bad once") && bad++ === 0 ? "bad" : "good" };
  });
  const counts = (name: keyof Instruments) =>
    seriesOf(otlp.points(), name).map(({ count, value, attributes }) => {
      expect(attributes).toMatchObject({ "ark.namespace": "default", "ark.team": "checked" });
      const size = name === "ark.step.attempts" ? value : count;
      const { "ark.role": role, "ark.outcome": outcome } = attributes as Record<string, string | undefined>;
      return [role, outcome, String(size)].filter((one) => one !== undefined).join(" ");
    });
  expect(counts("ark.run.duration")).toEqual(["StepFailed 1"]);
  expect(counts("ark.step.duration").toSorted()).toEqual(["check cancelled 1", "check failed 1", "write succeeded 2"]);
  expect(counts("ark.step.queue_wait").toSorted()).toEqual(["check 2", "write 3"]);
  expect(counts("ark.step.attempts").toSorted()).toEqual([
    "check cancelled 1",
    "check failed 1",
    "write invalid 1",
    "write succeeded 2",
  ]);
  expect(otlp.points().filter((point) => !isDeclared(point))).toEqual([]);
  const refused = seriesOf(otlp.points(), "gen_ai.client.operation.duration").map(
    ({ attributes }) => attributes["error.type"],
  );
  expect(refused).toContain("provider.refused");
});

test("P6: a call that a budget forbids is counted, and no tokens of it", async () => {
  await using tool = await startTool();
  await using otlp = await startOtlp();
  await runs(["poor"], tool.url, otlp.url);
  const denied = { "ark.namespace": "default", "ark.agent": "writer" };
  expect(seriesOf(otlp.points(), "ark.budget.denied")).toEqual([{ count: 1, value: 1, attributes: denied }]);
  expect(seriesOf(otlp.points(), "gen_ai.client.token.usage")).toEqual([]);
});

/** Everything is sent when this returns: a stop sends the last values. The names of the runs. */
async function runs(
  events: readonly string[],
  tool: string,
  endpoint: string,
  script: Script = SCRIPT,
): Promise<readonly string[]> {
  await using ark = await startArk(yaml(tool), script, quiet, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  for (const event of events) expect(await ark.fire(event, {})).toMatchObject({ status: 202 });
  const ended = await ark.ended(events.length);
  return ended.map(({ metadata }) => metadata.name ?? "");
}

function seriesOf(points: readonly ReceivedPoint[], name: keyof Instruments) {
  const key = (attributes: object) => JSON.stringify(attributes);
  return points
    .filter((point) => point.name === name)
    .map(({ count, value, attributes }) => ({ count, value, attributes }))
    .toSorted((a, b) => (key(a.attributes) < key(b.attributes) ? -1 : 1));
}

function isDeclared({ name, kind, unit, attributes }: ReceivedPoint): boolean {
  if (!Object.hasOwn(INSTRUMENTS, name)) return false;
  const wanted = INSTRUMENTS[name as keyof Instruments];
  const known = new Set<string>(wanted.attributes);
  return wanted.kind === kind && wanted.unit === unit && Object.keys(attributes).every((one) => known.has(one));
}

const startTool = () => startHttp((_request, response) => void response.end("found"));
