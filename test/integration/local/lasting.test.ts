/** What lasts on one machine: state between starts, changed files, runs that are let go, runs that are cancelled. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { startModelServer } from "../../../local/model-server/server.ts";
import { startArk, until } from "../../harness/ark.ts";

const pipeline = (steps: number, extra = "") => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: blog }
spec:
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write. }]
  pipeline:
${Array.from({ length: steps }, (_, n) => step(n)).join("\n")}
${extra}
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: blog }] }
`;

function step(n: number): string {
  const after = n === 0 ? "" : `, dependsOn: [s${n - 1}]`;
  return `    - { name: s${n}, role: write${after}, inputs: { prompt: "step ${n}" } }`;
}

test(
  "P3: killed with -9 in the middle of a run and started again, it goes on where it was",
  { timeout: 180_000 },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "ark-kill-"));
    const data = path.join(folder, "data");
    await writeFile(path.join(folder, "ark.yaml"), pipeline(6));
    let kill = (): void => {};
    await using model = await startModelServer({
      script: (request) => {
        // In the middle of the fourth call, which is asked again and answered then.
        if (JSON.stringify(request.messages).includes("step 3")) kill();
        return { text: "done" };
      },
    });
    const up = (): ChildProcess =>
      spawn(
        process.execPath,
        ["cli/main.ts", "up", "-f", path.join(folder, "ark.yaml"), "--data", data, "--port", "0"],
        {
          env: { ...process.env, OPENAI_BASE_URL: model.url, OPENAI_API_KEY: "sk-test" },
          stdio: "ignore",
        },
      );
    let process1 = up();
    try {
      const first = await upFile(data);
      const killed = new Promise<void>((resolve) => {
        kill = () => {
          kill = () => {};
          process1.once("exit", () => resolve());
          process1.kill("SIGKILL");
        };
      });
      const answer = await post(first.url, data, {});
      const [name = ""] = answer.runs;
      await killed;
      await rm(path.join(data, "up.json"), { force: true });
      process1 = up();
      const second = await upFile(data);
      const run = await until(async () => {
        const found = await getRun(second, name);
        return found?.status?.phase === "Succeeded" ? found : undefined;
      }, "the run to end");
      expect(run.status?.steps?.map(({ phase }) => phase)).toEqual(Array.from({ length: 6 }, () => "Succeeded"));
      const asked = model
        .requests()
        .filter(({ answered }) => answered)
        .map(({ key }) => key);
      const recorded = asked.filter((key) => !key?.includes("/s3/"));
      expect(new Set(recorded).size).toBe(recorded.length);
    } finally {
      process1.kill("SIGTERM");
      await new Promise((resolve) => process1.once("exit", resolve));
      await rm(folder, { recursive: true, force: true });
    }
  },
);

type Up = { readonly url: string; readonly token: string };

function upFile(data: string): Promise<Up> {
  return until(async () => {
    const text = await readFile(path.join(data, "up.json"), "utf8").catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Up);
  }, "up.json");
}

async function post(url: string, data: string, body: unknown): Promise<{ readonly runs: readonly string[] }> {
  const tokens = JSON.parse(await readFile(path.join(data, "tokens.json"), "utf8")) as Record<string, string>;
  const response = await fetch(`${url}/triggers/default/hook`, {
    method: "POST",
    headers: { authorization: `Bearer ${tokens["default/hook-webhook-token"]}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { runs: string[] };
}

async function getRun({ url, token }: Up, name: string): Promise<ArkRun | undefined> {
  const response = await fetch(`${url}/apis/arkonis.dev/v1alpha1/namespaces/default/arkruns/${name}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return response.ok ? ((await response.json()) as ArkRun) : undefined;
}

test("a changed file is in effect with the next fire; a broken one changes nothing", async () => {
  await using ark = await startArk(pipeline(1));
  await ark.fire("hook", {});
  await ark.ended(1);
  await ark.write({ "ark.yaml": pipeline(2) });
  await until(async () => {
    const team = await ark.local.js.objects.get("ArkTeam", { namespace: "default", name: "blog" });
    return team?.spec.pipeline.length === 2 ? true : undefined;
  }, "the changed team");
  await ark.write({ "ark.yaml": pipeline(3).replace("role: write,", "role: nobody,") });
  await until(async () => (ark.local.faults().length > 0 ? true : undefined), "the fault");
  expect(ark.local.faults()[0]).toMatchObject({ path: expect.stringContaining("spec.pipeline[0].role") });
  await ark.fire("hook", {}, { key: "second" });
  const runs = await ark.ended(2);
  expect(new Set(runs.map((run) => run.spec.pipeline?.length))).toEqual(new Set([1, 2]));
});

test("prompts come from ConfigMaps, Secrets and files, and a changed file is the prompt of the next task", async () => {
  const agent = (name: string, ref: string) => `
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: ${name} }
spec: { model: gpt-4o-mini, systemPromptRef: { ${ref} } }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: ${name} }
spec: { source: { type: webhook }, targets: [{ agent: ${name}, prompt: "Go, {{ .trigger.body.who }}" }] }
---
`;
  await using ark = await startArk({
    "kustomization.yaml": "resources: [ark.yaml]\nconfigMapGenerator: [{ name: files, files: [prompt=prompt.md] }]\n",
    "prompt.md": "From a file.",
    "ark.yaml": `${agent("one", "configMapKeyRef: { name: files, key: prompt }")}${agent("two", "secretKeyRef: { name: s, key: p }")}
apiVersion: v1
kind: Secret
metadata: { name: s }
stringData: { p: From a Secret. }
`,
  });
  const systems = () => ark.model.requests().map(({ body }) => JSON.stringify(body["messages"]));
  await ark.fire("one", { who: "you" });
  await ark.fire("two", { who: "me" });
  await ark.ended(2);
  expect(systems().some((text) => text.includes("From a file.") && text.includes("Go, you"))).toBe(true);
  expect(systems().some((text) => text.includes("From a Secret."))).toBe(true);
  await ark.write({ "prompt.md": "Changed." });
  await until(async () => {
    await ark.fire("one", { who: "again" });
    return systems().some((text) => text.includes("Changed.")) ? true : undefined;
  }, "the changed prompt");
});

test("D52: runs above the history limits are let go with their record, those that go on never", async () => {
  await using ark = await startArk(pipeline(1, "  successfulRunsHistoryLimit: 2"), (_request, index) =>
    index === 0 ? { hang: true } : { text: "done" },
  );
  const { body } = await ark.fire("hook", { goes: "on" });
  const [open = ""] = body["runs"] as string[];
  await until(async () => (ark.model.requests().length === 1 ? true : undefined), "the run that goes on");
  const names: string[] = [];
  for (let n = 0; n < 5; n++) {
    const answer = await ark.fire("hook", { n }, { query: "?mode=sync" });
    names.push(String(answer.body["runName"]));
  }
  const left = await until(async () => {
    const runs = (await ark.runs()).map((run) => run.metadata.name ?? "");
    return runs.length === 3 ? runs : undefined;
  }, "two ended runs");
  expect(new Set(left)).toEqual(new Set([open, ...names.slice(3)]));
  expect(ark.model.requests()).toHaveLength(6);
  for (const run of names.slice(0, 3)) {
    await until(async () => {
      const key = { namespace: "default", run };
      for await (const _ of ark.local.js.factLog.history(key)) return undefined;
      return (await ark.local.js.runStates.get(key)) === undefined ? true : undefined;
    }, `nothing of ${run}`);
  }
});

test("P4: a cancelled run ends as Failed, Cancelled, and its later steps are never asked for", async () => {
  await using ark = await startArk(pipeline(3), (request) =>
    JSON.stringify(request.messages).includes("step 1") ? { hang: true } : { text: "done" },
  );
  const { body } = await ark.fire("hook", {});
  const [name = ""] = body["runs"] as string[];
  await until(async () => (ark.model.requests().length === 2 ? true : undefined), "the second step");
  await ark.local.js.objects.update("ArkRun", { namespace: "default", name }, (run) => ({
    ...run,
    metadata: { ...run.metadata, annotations: { ...run.metadata.annotations, "arkonis.dev/cancel": "true" } },
  }));
  const [run] = await ark.ended(1);
  expect(run?.status?.phase).toBe("Failed");
  expect(run?.status?.conditions?.find(({ type }) => type === "Succeeded")).toMatchObject({ reason: "Cancelled" });
  expect(run?.status?.steps?.map(({ phase }) => phase)).toEqual(["Succeeded", "Cancelled", "Skipped"]);
});

test("a run made by hand gets its team's snapshot and runs", async () => {
  await using ark = await startArk(pipeline(1));
  await ark.local.js.objects.create("ArkRun", {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkRun",
    metadata: { name: "by-hand", namespace: "default" },
    spec: { teamRef: "blog" },
  });
  const [run] = await ark.ended(1);
  expect(run?.spec).toMatchObject({ teamGeneration: 1, pipeline: [{ name: "s0" }] });
  expect(run?.metadata.labels).toEqual({ "arkonis.dev/team": "blog" });
  expect(run?.status?.observedGeneration).toBe(run?.metadata.generation);
  expect(run?.status?.phase).toBe("Succeeded");
});

test("a stop and a new start keep objects, tokens and the record", async () => {
  await using ark = await startArk(pipeline(1));
  const token = await ark.token("hook");
  await ark.fire("hook", {}, { query: "?mode=sync" });
  await ark.restart();
  expect(await ark.token("hook")).toBe(token);
  expect((await ark.runs()).map((run) => run.status?.phase)).toEqual(["Succeeded"]);
  await ark.fire("hook", { again: 1 }, { query: "?mode=sync" });
  expect(ark.model.requests()).toHaveLength(2);
});

test("P4: a run by hand of a team that does not exist ends, and says which team", async () => {
  await using ark = await startArk(pipeline(1));
  await ark.local.js.objects.create("ArkRun", {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkRun",
    metadata: { name: "lost", namespace: "default" },
    spec: { teamRef: "nobody" },
  });
  const [run] = await ark.ended(1);
  expect(run?.status?.conditions?.[0]).toMatchObject({
    reason: "TeamNotFound",
    message: "spec.teamRef: there is no team nobody",
  });
});

test("P6: a nested team spends from the budget of the run that it is a step of", async () => {
  const nested = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: inner }
spec:
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write. }]
  pipeline: [{ role: write, inputs: { prompt: "inner" } }]
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: outer }
spec:
  roles: [{ name: part, arkTeam: inner }]
  pipeline: [{ role: part }]
  maxTokens: 50
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: outer }] }
`;
  await using ark = await startArk(nested);
  await ark.fire("hook", {});
  const runs = await ark.ended(2);
  expect(ark.model.requests()).toEqual([]);
  const reasons = runs.map((run) => [run.spec.teamRef, run.status?.conditions?.[0]?.reason]);
  expect(new Map(reasons as [string, string][])).toEqual(
    new Map([
      ["inner", "BudgetExceeded"],
      ["outer", "StepFailed"],
    ]),
  );
});
