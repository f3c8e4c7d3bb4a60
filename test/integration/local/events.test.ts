/** Events on one machine: each fires what it should, as often as it should. */
import { expect, test } from "vitest";
import { startArk, until } from "../../harness/ark.ts";
import { ark as arkCommand } from "../../harness/cli.ts";

const team = (name: string, extra = "") => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: ${name} }
spec:
  input: { topic: none }
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write. }]
  pipeline: [{ role: write, inputs: { prompt: "About {{ .input.topic }}" } }]
${extra}
---
`;
const event = (name: string, source: string, targets: string, extra = "") => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: ${name} }
spec:
  source: ${source}
  targets: ${targets}
${extra}
---
`;

test("P1: the same webhook fifty times at once with one key is one run", async () => {
  await using ark = await startArk(team("blog") + event("hook", "{ type: webhook }", "[{ team: blog }]"));
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => ark.fire("hook", { topic: "owls" }, { key: "order-1" })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(answers.map(({ body }) => JSON.stringify(body["runs"]))).size).toBe(1);
  const runs = await ark.ended(1);
  expect(runs).toHaveLength(1);
  expect(ark.model.requests()).toHaveLength(1);
  await until(async () => ((await eventStatus(ark, "hook"))?.firedCount === 1 ? true : undefined), "firedCount 1");
});

test(
  "D34, D35: three hundred calls at once are three hundred runs, and firedCount is exact",
  { timeout: 120_000 },
  async () => {
    const CALLS = 300;
    const limits = "  successfulRunsHistoryLimit: 1000";
    const hook = event("hook", "{ type: webhook }", "[{ team: blog }]");
    await using ark = await startArk(team("blog", limits) + hook);
    // More at once than the rate of one event lets through: what is refused counts nowhere.
    const accepted = async (n: number): Promise<string> => {
      for (;;) {
        const { status, body } = await ark.fire("hook", { n });
        if (status === 202) return String(body["runs"]);
        expect(status).toBe(429);
      }
    };
    const names = await Promise.all(Array.from({ length: CALLS }, (_, n) => accepted(n)));
    expect(new Set(names).size).toBe(CALLS);
    await until(async () => ((await ark.runs()).length === CALLS ? true : undefined), "all runs");
    await until(async () => ((await eventStatus(ark, "hook"))?.firedCount === CALLS ? true : undefined), "the count");
  },
);

test("P1: an event with several targets starts one run for each", async () => {
  const targets = '[{ team: a }, { team: b, input: { topic: "{{ .trigger.body.topic }}" } }]';
  await using ark = await startArk(team("a") + team("b") + event("hook", "{ type: webhook }", targets));
  const { body } = await ark.fire("hook", { topic: "owls" });
  expect(body["runs"]).toHaveLength(2);
  const runs = await ark.ended(2);
  expect(new Set(runs.map((run) => run.spec.teamRef))).toEqual(new Set(["a", "b"]));
  expect(runs.map((run) => run.spec.input?.["topic"])).toEqual(["owls", "owls"]);
});

test("D47: Forbid starts one run, however many fires come while it goes on", async () => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const hook = event("hook", "{ type: webhook }", "[{ team: blog }]", "  concurrencyPolicy: Forbid");
  await using ark = await startArk(team("blog") + hook, () => ({ text: "done", until: released }));
  const fires = await Promise.all(Array.from({ length: 20 }, (_, n) => ark.fire("hook", { n })));
  expect(fires.every(({ status }) => status === 202)).toBe(true);
  await until(async () => (ark.model.requests().length === 1 ? true : undefined), "the model being asked");
  expect(await ark.runs()).toHaveLength(1);
  release();
  await ark.ended(1);
  await until(async () => {
    const { body } = await ark.fire("hook", { again: true });
    return body["fired"] === true ? true : undefined;
  }, "the claim to be free again");
  expect(await ark.ended(2)).toHaveLength(2);
});

test("a team's output fires the next team, with the output in its input", async () => {
  const chain = event(
    "after",
    "{ type: team-output, teamOutput: { name: first } }",
    '[{ team: second, input: { topic: "{{ .trigger.output }}" } }]',
  );
  const hook = event("hook", "{ type: webhook }", "[{ team: first }]");
  await using ark = await startArk(team("first") + team("second") + hook + chain, [
    { text: "an essay" },
    { text: "a review" },
  ]);
  await ark.fire("hook", { topic: "owls" });
  const runs = await ark.ended(2);
  const second = runs.find((run) => run.spec.teamRef === "second");
  expect(second?.spec.input).toEqual({ topic: "an essay" });
  expect(second?.status?.output).toBe("a review");
});

test("a ring of team-output events is cut after sixteen hops", async () => {
  const after = (name: string, other: string) =>
    event(name, `{ type: team-output, teamOutput: { name: ${other} } }`, `[{ team: ${name} }]`);
  const limits = "  successfulRunsHistoryLimit: 100";
  const hook = event("hook", "{ type: webhook }", "[{ team: a }]");
  const ring = team("a", limits) + team("b", limits) + after("a", "b") + after("b", "a");
  await using ark = await startArk(ring + hook);
  await ark.fire("hook", {});
  const runs = await ark.ended(17);
  expect(runs).toHaveLength(17);
  const letters = await until(async () => {
    const found = [
      ...(await ark.local.js.deadLetters.list("default", "a")),
      ...(await ark.local.js.deadLetters.list("default", "b")),
    ];
    return found.length > 0 ? found : undefined;
  }, "the dead letter of the 17th hop");
  expect(letters[0]).toMatchObject({ reason: "HopLimit" });
});

test("a suspended event refuses its webhook, keeps its token, and fires again when it is resumed", async () => {
  const hook = (suspended: boolean) =>
    event("hook", "{ type: webhook }", "[{ team: blog }]", `  suspended: ${suspended}`);
  await using ark = await startArk(team("blog") + hook(false));
  const token = await ark.token("hook");
  await ark.write({ "ark.yaml": team("blog") + hook(true) });
  await until(async () => ((await ark.fire("hook", {})).status === 503 ? true : undefined), "the suspension");
  const before = (await ark.runs()).length;
  await ark.write({ "ark.yaml": team("blog") + hook(false) });
  await until(
    async () => ((await ark.fire("hook", {}, { key: "resumed" })).status === 202 ? true : undefined),
    "the resumption",
  );
  expect(await ark.token("hook")).toBe(token);
  expect(await ark.ended(before + 1)).toHaveLength(before + 1);
});

test("an event that left the manifests while nothing ran takes no fire any more", async () => {
  const hooks = ["gone", "kept"].map((name) => event(name, "{ type: webhook }", "[{ team: blog }]"));
  await using ark = await startArk(team("blog") + hooks.join(""));
  const token = await ark.token("gone");
  await ark.local.stop();
  await ark.write({ "ark.yaml": team("blog") + hooks[1] });
  await ark.restart();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const post = { method: "POST", headers, body: "{}" };
  const answer = await fetch(`${ark.local.url}/triggers/default/gone`, post);
  // As for an event that never was.
  expect(answer.status).toBe(401);
  expect((await ark.fire("kept", {})).status).toBe(202);
});

test("a fire whose team is missing is kept, and runs once the team is there", async () => {
  const hook = event("hook", "{ type: webhook }", "[{ team: late }]");
  await using ark = await startArk({ "event.yaml": hook });
  const { body } = await ark.fire("hook", { topic: "owls" });
  expect(body["runs"]).toHaveLength(1);
  const status = await eventStatus(ark, "hook");
  expect(status?.conditions).toMatchObject([{ reason: "TeamNotFound" }]);
  await ark.write({ "team.yaml": team("late") });
  const [run] = await ark.ended(1);
  expect(run?.metadata.name).toBe((body["runs"] as string[])[0]);
});

async function eventStatus(ark: Awaited<ReturnType<typeof startArk>>, name: string) {
  return (await ark.local.js.objects.get("ArkEvent", { namespace: "default", name }))?.status;
}

test("D47: under Forbid the fires that were given up start one after another, by one `ark replay`", async () => {
  const hook = (input: string) =>
    event("hook", "{ type: webhook }", `[{ team: blog, input: { topic: "${input}" } }]`, "  concurrencyPolicy: Forbid");
  await using ark = await startArk(team("blog") + hook("{{ index .trigger.body.topic 99 }}"));
  const lost = async (count: number) => ((await eventStatus(ark, "hook"))?.deadLetters === count ? true : undefined);
  for (const [index, topic] of ["owls", "cats", "dogs"].entries()) {
    await ark.fire("hook", { topic });
    await until(() => lost(index + 1), `dead letter ${index + 1}`);
  }
  await ark.write({ "ark.yaml": team("blog") + hook("{{ .trigger.body.topic }}") });
  await until(async () => {
    const stored = await ark.local.js.objects.get("ArkEvent", { namespace: "default", name: "hook" });
    return stored?.spec.targets[0]?.input?.["topic"] === "{{ .trigger.body.topic }}" ? true : undefined;
  }, "the correction");
  expect(await arkCommand(["replay", "hook", "--server-data", ark.data])).toMatchObject({ code: 0 });
  const runs = await ark.ended(3);
  expect(new Set(runs.map(({ spec }) => spec.input?.["topic"]))).toEqual(new Set(["owls", "cats", "dogs"]));
  await until(() => lost(0), "none left");
});

test("a fire that was given up is sent again by `ark replay`, once its cause is mended", async () => {
  const hook = (input: string) => event("hook", "{ type: webhook }", `[{ team: blog, input: { topic: "${input}" } }]`);
  await using ark = await startArk(team("blog") + hook("{{ index .trigger.body.topic 99 }}"));
  await ark.fire("hook", { topic: "owls" });
  await until(async () => ((await eventStatus(ark, "hook"))?.deadLetters === 1 ? true : undefined), "the dead letter");
  await ark.write({ "ark.yaml": team("blog") + hook("{{ .trigger.body.topic }}") });
  await until(async () => {
    const stored = await ark.local.js.objects.get("ArkEvent", { namespace: "default", name: "hook" });
    return stored?.spec.targets[0]?.input?.["topic"] === "{{ .trigger.body.topic }}" ? true : undefined;
  }, "the correction");
  expect(await arkCommand(["replay", "hook", "--server-data", ark.data])).toMatchObject({ code: 0, out: "hook\n" });
  const [run] = await ark.ended(1);
  expect(run?.spec.input).toEqual({ topic: "owls" });
  await until(async () => ((await eventStatus(ark, "hook"))?.deadLetters === 0 ? true : undefined), "none left");
  expect(await arkCommand(["replay", "nobody", "--server-data", ark.data])).toMatchObject({ code: 2 });
});
