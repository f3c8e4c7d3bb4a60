/** A model server that misbehaves in every way it can: runs end, and nothing that was answered is asked again (P3, P4). */
import { expect, test } from "vitest";
import { type Answer, lastUserText } from "../../../local/model-server/script.ts";
import { until } from "../../harness/ark.ts";
import { reachableBytes, startWatched } from "../../harness/settled.ts";

/** What the model does with a run that names the fault, call by call; the last is given again and again. */
const FAULTS: Readonly<Record<string, readonly Answer[]>> = {
  "is busy": [{ status: 429, retryAfterSeconds: 1 }, { status: 429, retryAfterSeconds: 0 }, { text: "well" }],
  breaks: [{ status: 500 }, { status: 503 }, { text: "well" }],
  "cuts the stream": [{ cut: "half an ans" }, { text: "well" }],
  "ends inside a character": [{ half: "wé€𝄞", torn: true }, { text: "well" }],
  "tears characters over packets": [{ half: "wéll €𝄞" }],
  "talks nonsense": [{ nonsense: "<html>no model here</html>" }, { nonsense: 'data: {"choi' }, { text: "well" }],
  "says nothing": [{ hang: true }, { text: "well" }],
  "never says anything": [{ hang: true }],
  "is always busy": [{ status: 429, retryAfterSeconds: 3600 }],
  "is always broken": [{ status: 500 }],
  "refuses the key": [{ status: 401, message: "no such key" }],
  "is flooded": [{ bytes: 20 * 1024 * 1024 }],
};

const team = (name: string, extra: string) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: ${name} }
spec:
  successfulRunsHistoryLimit: 1000
  failedRunsHistoryLimit: 1000
  input: { fault: none }
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write., limits: { retries: 2, maxConcurrentTasks: 20 } }]
  pipeline:
    - { name: first, role: write, inputs: { prompt: "The model {{ .input.fault }}." }${extra} }
    - { name: second, role: write, dependsOn: [first], inputs: { prompt: "Go on after {{ .steps.first.output }}" } }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: ${name} }
spec: { source: { type: webhook }, targets: [{ team: ${name} }] }
---
`;
/** `hasty` does not wait for a silent model, `patient` gives a step a second attempt as well. */
const YAML =
  team("desk", "") +
  team("hasty", ", timeoutSeconds: 2") +
  team("patient", ", timeoutSeconds: 8, retry: { limit: 1, backoff: { duration: 1s } }");
const TEAMS: Readonly<Record<string, string>> = { "says nothing": "patient", "never says anything": "hasty" };

function faulty() {
  const used = new Map<string, number>();
  return startWatched(YAML, (request) => {
    const prompt = lastUserText(request);
    const fault = Object.keys(FAULTS).find((name) => prompt === `The model ${name}.`);
    if (fault === undefined) return { text: "done" };
    const answers = FAULTS[fault] ?? [];
    const index = used.get(fault) ?? 0;
    used.set(fault, index + 1);
    return answers[Math.min(index, answers.length - 1)];
  });
}

test("P3, P4: every fault of a model server at once: what may pass passes, the rest fails with its reason", async () => {
  await using ark = await faulty();
  const names = new Map<string, string>();
  await Promise.all(
    Object.keys(FAULTS).map(async (fault) => {
      const [run = ""] = await ark.accept(TEAMS[fault] ?? "desk", { fault }, fault);
      names.set(run, fault);
    }),
  );
  const runs = await ark.settled();
  const ends = Object.fromEntries(
    runs.map(({ metadata, status }) => {
      const [first] = status?.steps ?? [];
      return [names.get(metadata.name ?? "") ?? "", first?.errorCode ?? first?.output];
    }),
  );
  expect(ends).toEqual({
    "is busy": "well",
    breaks: "well",
    "cuts the stream": "well",
    "ends inside a character": "well",
    "tears characters over packets": "wéll €𝄞",
    "talks nonsense": "well",
    "says nothing": "well",
    "never says anything": "task.timeout",
    "is always busy": "provider.rate_limited",
    "is always broken": "provider.unavailable",
    "refuses the key": "provider.auth",
    "is flooded": "provider.too_large",
  });
  for (const { status } of runs) {
    const failed = status?.steps?.[0]?.phase === "Failed";
    expect(status?.phase).toBe(failed ? "Failed" : "Succeeded");
    if (failed) expect(status?.conditions?.find(({ type }) => type === "Succeeded")?.message).toBeTruthy();
  }
});

test("P4: a run that waits because the model asked for it says so, and holds no attempt meanwhile", async () => {
  await using ark = await faulty();
  const { body } = await ark.fire("patient", { fault: "is always busy" });
  await until(async () => {
    const run = await ark.local.js.objects.get("ArkRun", { namespace: "default", name: String(body["runs"]) });
    return run?.status?.steps?.[0]?.message?.includes("too many requests") === true ? true : undefined;
  }, "the reason of the wait");
  const pending = { namespace: "default", agent: "patient-write" };
  await until(async () => {
    const { waiting, running } = await ark.local.js.tasks.pending(pending);
    return waiting + running === 0 ? true : undefined;
  }, "no task in the queue");
  expect(ark.model.requests()).toHaveLength(1);
});

test("D24: answers of 20 MB are refused as they come, and leave no memory behind", async () => {
  await using ark = await faulty();
  const flood = async (round: number) => {
    await Promise.all([0, 1, 2].map((n) => ark.accept("desk", { fault: "is flooded" }, `${round}-${n}`)));
    await ark.settled();
  };
  await flood(0);
  const before = await reachableBytes();
  for (let round = 1; round <= 3; round++) await flood(round);
  const grown = (await reachableBytes()) - before;
  expect(grown).toBeLessThan(16 * 1024 * 1024);
  const runs = await ark.settled();
  expect(new Set(runs.map(({ status }) => status?.steps?.[0]?.errorCode))).toEqual(new Set(["provider.too_large"]));
});
