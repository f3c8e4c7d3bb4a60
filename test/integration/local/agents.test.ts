/** What an agent's manifest says reaches the model, its tools and its limits, from the file to the request. */
import { expect, test } from "vitest";
import type { ChatRequest } from "../../../local/model-server/script.ts";
import { type Ark, firedRun, startArk } from "../../harness/ark.ts";
import { startHttp } from "../../harness/http.ts";
import { tokensGiven } from "../../harness/model.ts";

const HOOK = `
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: blog }] }
`;

const fired = (ark: Ark, key: string) => firedRun(ark, "hook", { key });

test("ArkSettings: temperature, form and fragments reach the model's request, of agents and of inline roles", async () => {
  const yaml = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkSettings
metadata: { name: house }
spec: { temperature: "0.2", promptFragments: { outputRules: "RULES", persona: "PERSONA", extra: "EXTRA" } }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkSettings
metadata: { name: later }
spec: { temperature: "0.7", outputFormat: markdown, fragments: [{ name: a, text: LAST }, { name: b, text: FIRST, position: prepend }] }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec: { model: gpt-4o-mini, systemPrompt: OWN, configRef: { name: house } }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: blog }
spec:
  roles:
    - { name: one, arkAgent: writer }
    - { name: two, model: gpt-4o-mini, systemPrompt: INLINE, settingsRefs: [{ name: house }, { name: later }] }
  pipeline: [{ role: one, inputs: { prompt: first } }, { role: two, dependsOn: [one], inputs: { prompt: second } }]
${HOOK}`;
  await using ark = await startArk(yaml);
  expect((await fired(ark, "k")).status?.phase).toBe("Succeeded");
  const [one, two] = ark.model
    .requests()
    .map(({ body }) => ({ temperature: body["temperature"], system: systemOf(body) }));
  expect(one?.temperature).toBe(0.2);
  expect(one?.system).toMatch(/^PERSONA\s+OWN\s+EXTRA\s+RULES\s/);
  expect(two?.temperature).toBe(0.7);
  expect(two?.system).toMatch(/FIRST[^]*INLINE[^]*LAST[^]*markdown/i);
  const settings = await ark.local.js.objects.get("ArkSettings", { namespace: "default", name: "house" });
  expect(settings?.status).toMatchObject({
    observedGeneration: 1,
    conditions: [{ type: "Ready", status: "True", reason: "Accepted" }],
  });
});

function systemOf(body: Readonly<Record<string, unknown>>): string {
  const [first] = body["messages"] as readonly { readonly content: string }[];
  return first?.content ?? "";
}

test("validate and contextPolicy: a judge's reason goes into the next attempt, a compressed output to the dependents", async () => {
  const yaml = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: blog }
spec:
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write. }]
  pipeline:
    - name: draft
      role: write
      inputs: { prompt: Write a draft. }
      validate: { semantic: It names a source., semanticModel: gpt-judge, onFailure: retry, maxRetries: 1 }
      contextPolicy: { strategy: compress, compress: { model: gpt-short, targetTokens: 20, prompt: Shorten it. } }
    - { name: edit, role: write, dependsOn: [draft], inputs: { text: "{{ .steps.draft.output }}", whole: "{{ .steps.draft.rawOutput }}" } }
    - name: extract
      role: write
      inputs: { prompt: Extract. }
      contextPolicy: { strategy: extract, extract: { path: "$.facts[0]" } }
    - { name: use, role: write, dependsOn: [extract], inputs: { prompt: "made of {{ .steps.extract.output }}" } }
    - name: miss
      role: write
      inputs: { prompt: Extract. }
      contextPolicy: { strategy: extract, extract: { path: "$.gone" } }
    - { name: get, role: write, dependsOn: [miss], inputs: { prompt: "all of {{ .steps.miss.output }}" } }
${HOOK}`;
  let drafts = 0;
  let judged = 0;
  await using ark = await startArk(yaml, (request: ChatRequest) => {
    if (request.model === "gpt-judge") return { text: judged++ === 0 ? "INVALID: no source at all" : "VALID" };
    if (request.model === "gpt-short") return { text: "SHORT" };
    const asked = JSON.stringify(request.messages);
    if (asked.includes("Write a draft.")) return { text: drafts++ === 0 ? "DRAFT ONE" : "DRAFT TWO (source: X)" };
    if (asked.includes("Extract.")) return { text: '{"facts": ["FACT", "OTHER"]}' };
    return { text: "end" };
  });
  const run = await fired(ark, "k");
  expect(run.status?.conditions?.[0]).toMatchObject({ reason: "Succeeded" });
  expect(run.status?.steps?.find(({ name }) => name === "draft")).toMatchObject({ output: "SHORT" });
  const prompts = ark.model.requests().map(({ body }) => JSON.stringify(body["messages"]));
  const second = prompts.filter((text) => text.includes("Write a draft.") && text.includes("no source at all"));
  expect(second.filter((text) => text.includes("DRAFT ONE"))).not.toHaveLength(0);
  const edit = prompts.find((text) => text.includes("whole: "));
  expect(edit).toMatch(/text: [^]*SHORT[^]*whole: [^]*DRAFT TWO/);
  const use = prompts.find((text) => text.includes("made of "));
  expect(use).toContain("FACT");
  expect(use).not.toContain("OTHER");
  expect(prompts.find((text) => text.includes("all of "))).toContain("OTHER");
  expect(run.status?.steps?.find(({ name }) => name === "miss")).toMatchObject({
    phase: "Succeeded",
    message: "contextPolicy: $.gone leads to nothing in the answer; readers get the whole output",
  });
  expect(run.status?.totalTokenUsage?.totalTokens).toBe(tokensGiven(ark.model));
});

test("P6: limits.maxDailyTokens holds across runs and starts: the call that would pass it is not made", async () => {
  const yaml = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec: { model: gpt-4o-mini, systemPrompt: You write., limits: { maxDailyTokens: 1000, maxTokensPerCall: 300 } }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: blog }
spec:
  roles: [{ name: write, arkAgent: writer }]
  pipeline: [{ role: write, inputs: { prompt: Write. }, retry: { limit: 3 } }]
${HOOK}`;
  await using ark = await startArk(yaml, () => ({ text: "done", usage: { inputTokens: 600, outputTokens: 200 } }));
  expect((await fired(ark, "first")).status?.phase).toBe("Succeeded");
  const second = await fired(ark, "second");
  expect(second.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({ reason: "BudgetExceeded" });
  await ark.restart();
  const third = await fired(ark, "third");
  expect(third.status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({ reason: "BudgetExceeded" });
  expect(third.status?.steps?.[0]).toMatchObject({ phase: "Failed", attempts: 1 });
  expect(ark.model.requests()).toHaveLength(1);
  const { status } = (await ark.local.js.objects.get("ArkAgent", { namespace: "default", name: "writer" })) ?? {};
  expect(status?.dailyTokenUsage).toEqual({ inputTokens: 600, outputTokens: 200, totalTokens: 800 });
  expect(status?.conditions?.find(({ type }) => type === "BudgetExceeded")).toMatchObject({
    status: "False",
    message: "800 of 1000 tokens in 24 hours",
  });
});

test("?mode=sse carries the words of an answer before the step's end", async () => {
  const yaml = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: blog }
spec:
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write. }]
  pipeline: [{ role: write, inputs: { prompt: Write. } }]
${HOOK}`;
  let watched = (): void => {};
  const until = new Promise<void>((resolve) => (watched = resolve));
  await using ark = await startArk(yaml, () => ({ text: "Grüße von den Eulen im Wald", until }));
  const response = await fetch(`${ark.local.url}/triggers/default/hook?mode=sse`, {
    method: "POST",
    headers: { authorization: `Bearer ${await ark.token("hook")}`, "content-type": "application/json" },
    body: "{}",
    signal: AbortSignal.timeout(50_000),
  });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("event: step.started")) watched();
  }
  const events = text
    .split("\n\n")
    .map((block) => ({ name: /^event: (.*)$/m.exec(block)?.[1], data: /^data: (.*)$/m.exec(block)?.[1] ?? "{}" }))
    .filter(({ name }) => name !== undefined);
  const tokens = events.filter(({ name }) => name === "token").map(({ data }) => JSON.parse(data) as { text: string });
  expect(tokens.map((token) => token.text).join("")).toBe("Grüße von den Eulen im Wald");
  const names = events.map(({ name }) => name).filter((name, at, all) => name !== all[at - 1]);
  expect(names).toEqual(["run.started", "step.started", "token", "step.completed", "run.completed"]);
});

test("T1: tool calls of one turn run at once: neither is answered before both have come", async () => {
  const arrived: string[] = [];
  let both = (): void => {};
  const met = new Promise<void>((resolve) => (both = resolve));
  await using tools = await startHttp((request, response) => {
    arrived.push(request.url ?? "");
    if (arrived.length === 2) both();
    void met.then(() => response.end(`answer of ${request.url}`));
  });
  const tool = (name: string) => `{ name: ${name}, url: "${tools.url}/${name}", inputSchema: { type: object } }`;
  const yaml = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec: { model: gpt-4o-mini, systemPrompt: You write., tools: [${tool("one")}, ${tool("two")}] }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: blog }
spec:
  roles: [{ name: write, arkAgent: writer }]
  pipeline: [{ role: write, inputs: { prompt: Write. } }]
${HOOK}`;
  await using ark = await startArk(yaml, [{ toolCalls: [{ name: "one" }, { name: "two" }] }, { text: "done" }]);
  expect((await fired(ark, "k")).status).toMatchObject({ phase: "Succeeded", output: "done" });
  expect(arrived.toSorted()).toEqual(["/one", "/two"]);
  const messages = ark.model.requests()[1]?.body["messages"] as readonly { role: string; content: string }[];
  const answers = messages.filter(({ role }) => role === "tool").map(({ content }) => content);
  expect(answers).toEqual([expect.stringContaining("answer of /one"), expect.stringContaining("answer of /two")]);
});

test("M1: an ArkAgent of somebody's own is not taken over by a role of its name; the team says so", async () => {
  const yaml = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: press-write }
spec: { model: gpt-4o-mini, systemPrompt: Mine. }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: press }
spec:
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: The team's. }]
  pipeline: [{ role: write, inputs: { prompt: Write. } }]
`;
  await using ark = await startArk(yaml);
  const { objects } = ark.local.js;
  const named = (name: string) => ({ namespace: "default", name });
  const ready = async () =>
    (await objects.get("ArkTeam", named("press")))?.status?.conditions?.find(({ type }) => type === "Ready");
  await expect.poll(ready, { timeout: 60_000 }).toMatchObject({ status: "False", reason: "ReconcileError" });
  expect((await objects.get("ArkAgent", named("press-write")))?.spec.systemPrompt).toBe("Mine.");
  await objects.delete("ArkAgent", named("press-write"));
  await expect.poll(ready, { timeout: 60_000 }).toMatchObject({ status: "True", reason: "Validated" });
  expect((await objects.get("ArkAgent", named("press-write")))?.spec.systemPrompt).toBe("The team's.");
});
