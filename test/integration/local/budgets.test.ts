/** Money: what the model server says it gave is what the runs say they used, and no budget is ever passed (P6). */
import { expect, test } from "vitest";
import { reasonOf, startArk, until } from "../../harness/ark.ts";
import { tokensGiven } from "../../harness/model.ts";

const STEPS = 20;
const hook = (team: string) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: ${team} }] }
`;
const wide = (extra: string, limits: string) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: wide }
spec:
  successfulRunsHistoryLimit: 100
  failedRunsHistoryLimit: 100
  ${extra}
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write., limits: { ${limits} } }]
  pipeline:
${Array.from({ length: STEPS }, (_, n) => `    - { name: s${n}, role: write, retry: { limit: 3 }, inputs: { prompt: "part ${n}" } }`).join("\n")}
---
${hook("wide")}`;

test("D20, P6, E9b: twenty steps at once never pass maxTokens; the refusal ends the run at once and uses up no retry", async () => {
  const LIMIT = 3_000;
  const limits = `maxTokensPerCall: 400, maxConcurrentTasks: ${STEPS}, retries: 0`;
  await using ark = await startArk(wide(`maxTokens: ${LIMIT}`, limits), () => ({
    text: "as long as it may be",
    usage: { inputTokens: 50, outputTokens: 400 },
  }));
  await ark.fire("hook", {});
  const [run] = await ark.ended(1);
  const spent = tokensGiven(ark.model);
  expect(spent).toBeGreaterThan(0);
  expect(spent).toBeLessThanOrEqual(LIMIT);
  expect(reasonOf(run)).toBe("BudgetExceeded");
  expect(run?.status?.steps?.filter(({ attempts = 1 }) => attempts > 1)).toEqual([]);
  expect(run?.status?.steps?.filter(({ phase }) => phase === "Running" || phase === "Pending")).toEqual([]);
});

test("D19, P6: what an agent may use in a day counts over its runs, and deleting them gives nothing back", async () => {
  const one = wide("", "maxTokensPerCall: 400, maxDailyTokens: 1000").replace(
    /(- \{ name: s0.*\n)(.*- \{ name: s\d+.*\n)+/,
    "$1",
  );
  await using ark = await startArk(one, () => ({ text: "done", usage: { inputTokens: 300, outputTokens: 300 } }));
  await ark.fire("hook", {}, { key: "first" });
  const [first] = await ark.ended(1);
  expect(first?.status?.phase).toBe("Succeeded");
  await ark.local.js.objects.delete("ArkRun", { namespace: "default", name: first?.metadata.name ?? "" });
  await until(async () => ((await ark.runs()).length === 0 ? true : undefined), "the run to be gone");
  // What is left holds a smaller answer: it is asked for less. After that nothing is left.
  await ark.fire("hook", {}, { key: "second" });
  await ark.ended(1);
  await ark.fire("hook", {}, { key: "third" });
  const runs = await ark.ended(2);
  expect(runs.map(reasonOf)).toContain("BudgetExceeded");
  expect(ark.model.requests().length).toBeLessThanOrEqual(2);
});

test("api 2, P6: what a team may use in a day counts over its runs and all its roles, another team's agent among them", async () => {
  const yaml = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: editor }
spec: { model: gpt-4o-mini, systemPrompt: You edit., limits: { maxTokensPerCall: 300 } }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: daily }
spec:
  limits: { maxDailyTokens: 1500 }
  roles:
    - { name: write, model: gpt-4o-mini, systemPrompt: You write., limits: { maxTokensPerCall: 300 } }
    - { name: edit, arkAgent: editor }
  pipeline:
    - { role: write, inputs: { prompt: Write. } }
    - { role: edit, dependsOn: [write], inputs: { prompt: Edit. }, retry: { limit: 3 } }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: free }
spec:
  roles: [{ name: edit, arkAgent: editor }]
  pipeline: [{ role: edit, inputs: { prompt: Edit. } }]
---
${hook("daily")}
---
${hook("free").replace("name: hook", "name: other")}`;
  await using ark = await startArk(yaml, () => ({ text: "done", usage: { inputTokens: 250, outputTokens: 250 } }));
  await ark.fire("hook", {}, { key: "first" });
  const [first] = await ark.ended(1);
  expect(first?.spec.limits).toEqual({ maxDailyTokens: 1500 });
  expect(first?.status?.phase).toBe("Succeeded");
  await ark.fire("hook", {}, { key: "second" });
  const second = (await ark.ended(2)).find(({ metadata }) => metadata.name !== first?.metadata.name);
  expect(reasonOf(second)).toBe("BudgetExceeded");
  expect(second?.status?.conditions?.[0]?.message).toContain("limits.maxDailyTokens of team daily: ");
  expect(second?.status?.steps?.map(({ phase, attempts }) => [phase, attempts])).toEqual([
    ["Succeeded", 1],
    ["Failed", 1],
  ]);
  await ark.fire("other", {}, { key: "third" });
  const free = (await ark.ended(3)).find(({ spec }) => spec.teamRef === "free");
  expect(free?.status?.phase).toBe("Succeeded");
});

const CASES = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: cases }
spec:
  failedRunsHistoryLimit: 100
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write., limits: { retries: 2 } }]
  pipeline:
    - { name: plain, role: write, inputs: { prompt: case-plain } }
    - { name: busy, role: write, inputs: { prompt: case-busy } }
    - name: checked
      role: write
      inputs: { prompt: case-checked }
      validate: { contains: good, onFailure: retry, maxRetries: 2 }
    - name: judged
      role: write
      inputs: { prompt: case-judged }
      validate: { semantic: "Is it a poem?" }
    - name: looped
      role: write
      inputs: { prompt: case-looped }
      loop: { condition: "{{ eq .output \\"more\\" }}", maxIterations: 3 }
    - { name: cut, role: write, dependsOn: [plain, busy, checked, judged, looped], inputs: { prompt: case-cut } }
---
${hook("cases")}`;

test("D19: retries, validators, loops and failures are counted, each call once: the sums are the model server's own", async () => {
  const asked = new Map<string, number>();
  await using ark = await startArk(CASES, (request, index) => {
    const said = JSON.stringify(request.messages);
    const kind = ["busy", "checked", "looped", "cut"].find((name) => said.includes(`case-${name}`)) ?? "other";
    const times = (asked.get(kind) ?? 0) + 1;
    asked.set(kind, times);
    const usage = { inputTokens: 10 + index, outputTokens: 3 };
    if (kind === "busy" && times === 1) return { status: 503 };
    if (kind === "checked") return { text: times === 1 ? "bad" : "good", usage };
    if (kind === "looped") return { text: times < 3 ? "more" : "enough", usage };
    if (kind === "cut") return { text: "half", finish: "length", usage };
    return { text: said.includes("Is it a poem?") ? "VALID" : "a poem", usage };
  });
  await ark.fire("hook", {});
  const [run] = await ark.ended(1);
  expect(run?.status?.steps?.map(({ name, phase }) => [name, phase])).toEqual([
    ["plain", "Succeeded"],
    ["busy", "Succeeded"],
    ["checked", "Succeeded"],
    ["judged", "Succeeded"],
    ["looped", "Succeeded"],
    ["cut", "Failed"],
  ]);
  expect(run?.status?.totalTokenUsage?.totalTokens).toBe(tokensGiven(ark.model));
  const steps = run?.status?.steps?.reduce((sum, { tokenUsage }) => sum + (tokenUsage?.totalTokens ?? 0), 0);
  expect(steps).toBe(tokensGiven(ark.model));
});
