/** Feature: a member of a team works with `ark`, by the rights of docs/cli.md and no other, from a kubeconfig alone. */
import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { Said } from "./harness/cluster.ts";
import { openFeature, type Feature } from "./harness/feature.ts";
import { askedFor, release } from "./harness/model.ts";
import { openUser, type User } from "./harness/user.ts";
import { ARK, isReady, until } from "./harness/cluster.ts";

let feature: Feature;
let user: User;

const object = (kind: string, name: string, spec: unknown) => ({
  apiVersion: "arkonis.dev/v1alpha1",
  kind,
  metadata: { name },
  spec,
});
const MANIFESTS = [
  object("ArkAgent", "writer", { model: "scripted", systemPrompt: "You write." }),
  object("ArkTeam", "blog", {
    inputs: [{ name: "ask", required: true }],
    roles: [{ name: "writer", arkAgent: "writer" }],
    pipeline: [
      { role: "writer", name: "draft", inputs: { prompt: "say:a draft" } },
      { role: "writer", name: "edit", dependsOn: ["draft"], inputs: { prompt: "{{ .input.ask }}" } },
    ],
  }),
  object("ArkEvent", "greet", {
    source: { type: "webhook" },
    targets: [{ team: "blog", input: { ask: "{{ .trigger.body.ask }}" } }],
  }),
];

const json = <T>({ out }: Said): T => JSON.parse(out) as T;
const report = (said: Said) => json<{ runName: string; steps: { name: string; tokens: number }[] }>(said);

/** What it printed, once it has ended well. */
async function printed(command: Promise<Said>): Promise<string> {
  const { code, out, err } = await command;
  expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
  return out;
}

const ark = (...words: string[]) => user.ark(...words);
const start = (...words: string[]) => user.start("ark", ...words);
const name = async (...words: string[]) => (await printed(ark(...words))).trim();
const isRunning = (run: { status?: { phase?: string } }) => run.status?.phase === "Running";

beforeAll(async () => {
  feature = await openFeature("cli");
  user = await openUser(feature.namespace, "alice");
  await writeFile(path.join(user.folder, "ark.yaml"), MANIFESTS.map((one) => stringify(one)).join("---\n"));
});
afterAll(async () => {
  await user?.[Symbol.asyncDispose]();
  await feature?.[Symbol.asyncDispose]();
});

describe("from a file to a run", () => {
  test("E22: doctor finds every right that the commands need", async () => {
    const { checks } = json<{ checks: { name: string; verdict: string; found: string }[] }>(
      await ark("doctor", "-o", "json"),
    );
    const rights = checks.filter((check) => check.name.startsWith("rights: "));
    expect(rights.length).toBeGreaterThan(3);
    expect(rights.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    // What is not for a member to see is left open, and fails nothing.
    expect(checks.filter(({ verdict }) => verdict === "fail")).toEqual([]);
  });

  test("validate, then kubectl apply; get, status and describe show what is there", async () => {
    expect(await printed(ark("validate", "ark.yaml", "--check-agents"))).toContain("ArkTeam blog\n");
    await printed(user.kubectl("apply", "-f", "ark.yaml"));
    for (const [plural, one] of [
      ["arkagents", "writer"],
      ["arkteams", "blog"],
      ["arkevents", "greet"],
    ] as const)
      await until(`${ARK}/namespaces/${feature.namespace}/${plural}`, one, isReady);
    expect(await printed(ark("get", "teams"))).toMatch(/^NAME .*\nblog +/);
    expect(await printed(ark("get", "event", "greet", "-o", "name"))).toBe("arkevent/greet\n");
    expect(json(await ark("get", "agent", "writer", "-o", "json"))).toMatchObject({ spec: { model: "scripted" } });
    expect(await printed(ark("status"))).toMatch(/^Connected to the cluster at https:.*\n[\s\S]*\nblog +Ready/);
    expect(await printed(user.kubectl("describe", "arkevent", "greet"))).toContain("Webhook URL:");
  });

  test("trigger TEAM starts a run; status, logs, trace and get tell of it", async () => {
    const run = await name("trigger", "blog", "-i", "ask=say:at last");
    const watched = await ark("status", run, "--watch", "-o", "json");
    expect({ code: watched.code, ...report(watched) }).toMatchObject({
      code: 0,
      status: "succeeded",
      runName: run,
      output: "at last",
      totalTokens: 30,
      steps: [
        { name: "draft", status: "succeeded", output: "a draft" },
        { name: "edit", status: "succeeded", output: "at last" },
      ],
    });
    expect(await printed(ark("status", run))).toMatch(/Run Succeeded in [\d.]+s, total: 30 tokens\n/);
    const logs = await ark("logs", run);
    // By hand or by an event: whoever may read the namespace's record sees turns.
    expect(logs).toMatchObject({ code: 0, err: "" });
    expect(logs.out).toMatch(
      /draft {2}started\n[\s\S]* edit {2}says: at last \[\S+, 10 \+ 5 tokens\]\n.* edit {2}done: at last\n$/,
    );
    expect(await printed(ark("logs", run, "--step", "edit", "--tail", "1"))).toMatch(/^\S+ +edit {2}done: at last\n$/);
    expect(await printed(ark("trace", run))).toContain("ark.step draft");
    expect(json(await ark("trace", run, "-o", "json"))).toMatchObject({ runName: run });
    expect(await printed(ark("get", "run", run, "-o", "yaml"))).toContain("kind: ArkRun");
    expect(await printed(ark("status", "blog"))).toContain(run);
  });

  test("kubectl ark is the same command", async () => {
    const listed = await printed(user.kubectl("ark", "get", "runs"));
    expect(listed).toMatch(/^NAME +TEAM +PHASE +TOKENS +STARTED +AGE\nblog-run-\w+ +blog +Succeeded +30 /);
    expect((await user.kubectl("ark", "get", "run", "nobody")).code).toBe(2);
  });
});

describe("an event, by the front door", () => {
  test("--sync prints the output alone; -o json the report", async () => {
    const fire = ["trigger", "event/greet", "--sync", "--timeout", "150s", "--data"];
    const text = await ark(...fire, JSON.stringify({ ask: "say:a word" }));
    expect(text).toEqual({ code: 0, out: "a word\n", err: "" });
    const told = await ark(...fire, JSON.stringify({ ask: "say:two words" }), "-o", "json");
    expect(json(told)).toMatchObject({ status: "succeeded", output: "two words" });
    const plain = await ark("trigger", "greet", "-i", "ask=say:more", "--wait", "--timeout", "150s");
    expect(plain).toMatchObject({ code: 0, out: "more\n", err: expect.stringContaining("Run Succeeded in") });
  });

  test("--sync ends with 124 when its time is over; the run goes on until cancel ends it", async () => {
    const data = JSON.stringify({ ask: "hold:too-long" });
    const late = await ark("trigger", "greet", "--sync", "--timeout", "5s", "--data", data);
    expect(late).toMatchObject({ code: 124, out: "" });
    const [, run = ""] = /error: timeout: run (\S+) has not ended in time; it goes on\nnext: /.exec(late.err) ?? [];
    await feature.run(run, isRunning);
    expect(await ark("cancel", run, "--wait")).toMatchObject({ code: 0, out: `${run} Cancelled\n` });
    expect((await ark("status", run, "-o", "json")).out).toContain('"status": "failed"');
    await release("too-long");
    // Again, with what had succeeded taken over.
    const again = await ark("retry", run, "--wait", "--timeout", "150s", "-o", "json");
    expect({ code: again.code, ...report(again) }).toMatchObject({
      code: 0,
      output: "held too-long",
      steps: [
        { name: "draft", tokens: 0 },
        { name: "edit", tokens: 15 },
      ],
    });
    expect(await ark("retry", report(again).runName)).toMatchObject({ code: 2, out: "" });
  });

  test("one key starts the same run once", async () => {
    const words = ["trigger", "greet", "-i", "ask=say:once", "--idempotency-key", "k1"];
    const run = await name(...words);
    const again = await ark(...words);
    expect(again).toMatchObject({ code: 0, out: `${run}\n`, err: expect.stringContaining("used before") });
    expect((await feature.run(run)).status?.output).toBe("once");
  });
});

describe("Ctrl-C ends the command with 130, and the run goes on", () => {
  test("of logs -f, which shows what comes as it comes", async () => {
    const run = await name("trigger", "greet", "-i", "ask=hold:logs say:go on");
    const following = start("logs", run, "-f");
    await following.says("draft  done: a draft");
    await following.says("edit  started");
    await askedFor("hold:logs say:go on", 1);
    const other = start("logs", run, "-f");
    await other.says("edit  started");
    following.interrupt();
    expect(await following.ended).toMatchObject({ code: 130, err: expect.stringContaining("error: interrupted: ") });
    await release("logs");
    expect(await other.ended).toMatchObject({
      code: 0,
      out: expect.stringMatching(/ edit {2}done: go on\n$/),
      err: "",
    });
    expect((await feature.run(run)).status).toMatchObject({ phase: "Succeeded", output: "go on" });
  });

  test("of trigger --sync", async () => {
    const waiting = start("trigger", "greet", "--sync", "-i", "ask=hold:sync say:went on", "--timeout", "10m");
    await askedFor("hold:sync say:went on", 1);
    waiting.interrupt();
    expect(await waiting.ended).toMatchObject({
      code: 130,
      out: "",
      err: expect.stringMatching(/interrupted[\s\S]*next: /),
    });
    await release("sync");
    const ended = await feature.runs((all) => all.some(({ status }) => status?.output === "went on"));
    expect(ended.find(({ status }) => status?.output === "went on")?.status?.phase).toBe("Succeeded");
  });

  test("of trigger TEAM --wait and of status --watch", async () => {
    const waiting = start("trigger", "blog", "--wait", "-i", "ask=hold:wait say:in the end", "--timeout", "10m");
    await waiting.says("edit");
    await askedFor("hold:wait say:in the end", 1);
    const [run] = await feature.runs((all) => all.some(isRunning));
    waiting.interrupt();
    expect((await waiting.ended).code).toBe(130);
    const running = (await feature.runs(() => true)).find(isRunning) ?? run;
    const watching = start("status", running?.metadata.name ?? "", "--watch");
    await watching.says("edit");
    watching.interrupt();
    expect((await watching.ended).code).toBe(130);
    await release("wait");
    expect((await feature.run(running?.metadata.name ?? "")).status?.output).toBe("in the end");
  });
});

describe("what cannot be done is said with a code and a next step: 3", () => {
  const refusal = (code: string, why: RegExp) =>
    ({
      code: 3,
      out: "",
      err: expect.stringMatching(new RegExp(`^error: ${code}: [\\s\\S]*${why.source}[\\s\\S]*\\nnext: .+\\n$`)),
    }) as const;

  test("another namespace, a context that is not there, a token that is none", async () => {
    expect(await ark("get", "runs", "-n", "kube-system")).toEqual(
      refusal("server.refused", /cannot list resource "arkruns"/),
    );
    expect(await ark("get", "runs", "--context", "elsewhere")).toEqual(refusal("server.unreachable", /elsewhere/));
    const stale = await user.variant("stale", (config) => (config.users[0]!.user = { token: "none" }));
    expect(await ark("get", "runs", "--kubeconfig", stale)).toEqual(refusal("server.refused", /Unauthorized/));
  });

  test("an API server that is not there", async () => {
    const away = await user.variant("away", (config) => (config.clusters[0]!.cluster.server = "https://127.0.0.1:1"));
    for (const words of [["get", "runs"], ["trigger", "blog", "-i", "ask=x"], ["logs", "some-run", "-f"], ["doctor"]])
      expect(await ark(...words, "--kubeconfig", away)).toEqual(refusal("server.unreachable", /127\.0\.0\.1:1/));
  });

  test("without the way to the front door, teams still run; an event says what is missing", async () => {
    await using bob = await openUser(feature.namespace, "bob", { member: true, caller: false });
    const run = (await printed(bob.ark("trigger", "blog", "-i", "ask=say:by bob"))).trim();
    expect((await bob.ark("status", run, "--watch")).code).toBe(0);
    expect(await bob.ark("trigger", "greet", "-i", "ask=say:no")).toEqual(
      refusal("server.unreachable", /ark-operator/),
    );
    await using carol = await openUser(feature.namespace, "carol", { member: false, caller: true });
    expect(await carol.ark("status")).toEqual(refusal("server.refused", /carol.* cannot list resource/));
  });
});

test("what was applied is deleted again, its runs with it", async () => {
  await printed(user.kubectl("delete", "arkruns", "--all", "--timeout=120s"));
  await printed(user.kubectl("delete", "-f", "ark.yaml", "--timeout=120s"));
  expect(await ark("get", "runs")).toMatchObject({
    code: 0,
    out: "",
    err: `No ArkRun in namespace ${feature.namespace}.\n`,
  });
});
