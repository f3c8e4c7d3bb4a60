/** The commands against a real API server by RBAC, and a real webhook function as the front door (api 14). */
import { readdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { ArkRun, ArkRunStatus } from "#core/api/v1alpha1/ark-run.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { RecordedTurn } from "#core/agent/ports.ts";
import type { Fact } from "#core/events/facts.ts";
import { INLINE_LIMIT_BYTES, type Text } from "#core/events/text.ts";
import type { RunRef } from "#core/ports/record.ts";
import { RECORD_SECRET } from "#core/runs/record-secret.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve, type Serving } from "#platform/http/server.ts";
import { kubeChildren } from "#platform/kube/children.ts";
import { openKube } from "#platform/kube/client.ts";
import { kubeObjects } from "#platform/kube/objects.ts";
import { createFront } from "../../../operator/front/front.ts";
import { createRecord } from "../../../operator/front/record.ts";
import { recordDigests } from "../../../operator/record-tokens.ts";
import { type ApiServer, startApiServer } from "../../harness/api-server.ts";
import { ark as runArk, type ArkOptions } from "../../harness/cli.ts";
import { installCrd } from "../../harness/crds.ts";
import { type Door, openDoor, quiet, TOKEN } from "../../harness/door.ts";

const NS = "default";
/** Nothing listens there. */
const NOBODY = "http://127.0.0.1:9";
let api: ApiServer;
let door: Door;
let front: Front;

const objects = () => kubeObjects(openKube({ kubeconfig: api.kubeconfig }), "test");
const ark = (argv: readonly string[], options: ArkOptions = {}) =>
  runArk([...argv, "--kubeconfig", api.kubeconfig, "--server", front.url], options);

beforeAll(async () => {
  [api, door] = await Promise.all([startApiServer(), openDoor()]);
  front = await openFront();
  for (const file of (await readdir("crds")).filter((name) => /^arkonis.*\.yaml$/.test(name)))
    await installCrd(api, parse(await readFile(path.join("crds", file), "utf8")));
  const team = await door.team();
  const event = await door.event();
  await objects().create("ArkTeam", { ...team, metadata: { name: "blog", namespace: NS } });
  await objects().create("ArkEvent", { ...event, metadata: { name: "greet", namespace: NS } });
  await api.request("POST", `/api/v1/namespaces/${NS}/secrets`, {
    metadata: { name: "greet-webhook-token" },
    stringData: { token: TOKEN },
  });
  await api.request("POST", `/api/v1/namespaces/${NS}/secrets`, {
    metadata: { name: RECORD_SECRET },
    stringData: { token: "of-the-record" },
  });
});
afterAll(async () => {
  await front?.serving.stop(0);
  await api?.[Symbol.asyncDispose]();
  await door?.[Symbol.asyncDispose]();
});

type Front = {
  readonly serving: Serving;
  readonly url: string;
  /** Breaks every connection that there is. */
  cut(): Promise<void>;
};

/** As the operator makes it. */
async function openFront(): Promise<Front> {
  let ending = new AbortController();
  const clock = () => performance.now();
  const children = kubeChildren(openKube({ kubeconfig: api.kubeconfig }), "test");
  const passing = createFront({
    upstream: door.webhook.url,
    services: { get: () => Promise.resolve(undefined) },
    routerUrl: () => "",
    record: (asked, answer) => {
      ending.signal.addEventListener("abort", () => answer.destroy(), { once: true });
      record(asked, answer);
    },
    ready: () => true,
    log: quiet,
  });
  const record = createRecord({
    facts: door.js.factLog,
    outputs: door.js.outputs,
    states: door.js.runStates,
    digestOf: recordDigests(children, { now: clock, looks: wide(clock) }),
    rate: { total: wide(clock), perNamespace: wide(clock), wrong: wide(clock) },
    log: quiet,
    signal: new AbortController().signal,
  });
  const serving = await serve(passing.listener, { port: 0, host: "127.0.0.1" });
  return {
    serving,
    url: serving.url,
    cut: async () => {
      ending.abort();
      ending = new AbortController();
    },
  };
}

/** A kubeconfig of a service account with these rules and no other. */
async function as(name: string, rules: readonly object[]): Promise<string> {
  const token = await api.serviceAccountToken(NS, name);
  const at = "/apis/rbac.authorization.k8s.io/v1";
  await api.request("POST", `${at}/clusterroles`, { metadata: { name }, rules });
  await api.request("POST", `${at}/namespaces/${NS}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", name, namespace: NS }],
  });
  const kubeconfig = path.join(path.dirname(api.kubeconfig), name);
  const config = JSON.parse(await readFile(api.kubeconfig, "utf8")) as { users: { user: object }[] };
  config.users[0]!.user = { token };
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  return kubeconfig;
}

async function newRun(name: string, event?: string): Promise<ArkRun> {
  const labels = { "arkonis.dev/team": "blog", ...(event === undefined ? {} : { "arkonis.dev/event": event }) };
  const outcome = await objects().create("ArkRun", {
    apiVersion: API_VERSION,
    kind: "ArkRun",
    metadata: { name, namespace: NS, labels },
    spec: { teamRef: "blog" },
  });
  return outcome.object;
}

const at = (second: number) => new Date(1_000_000 + second * 1_000).toISOString();
const condition = (status: "True" | "False" | "Unknown", reason: string, message = "said so") => ({
  type: "Succeeded",
  status,
  reason,
  message,
  lastTransitionTime: at(9),
});
const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };
const write = (name: string, status: ArkRunStatus) => objects().writeStatus("ArkRun", { namespace: NS, name }, status);
const succeeded: ArkRunStatus = {
  phase: "Succeeded",
  startTime: at(0),
  completionTime: at(3),
  output: "the end",
  totalTokenUsage: usage,
  steps: [
    {
      name: "write",
      phase: "Succeeded",
      attempts: 1,
      iterations: 1,
      startTime: at(1),
      completionTime: at(3),
      output: "the end",
      tokenUsage: usage,
    },
  ],
  conditions: [condition("True", "Succeeded")],
};
const failed: ArkRunStatus = {
  phase: "Failed",
  startTime: at(0),
  completionTime: at(3),
  steps: [
    {
      name: "write",
      phase: "Failed",
      attempts: 2,
      startTime: at(1),
      completionTime: at(3),
      errorCode: "provider.refused",
      message: "no such model",
    },
  ],
  conditions: [condition("False", "StepFailed", "step write failed")],
};

describe("objects, by the user's own RBAC", () => {
  test("get lists and prints what is there, by name, label and kind", async () => {
    await newRun("blog-run-get");
    expect(await ark(["get", "runs", "-o", "name", "-l", "arkonis.dev/team=blog"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("arkrun/blog-run-get\n"),
    });
    const one = await ark(["get", "run", "blog-run-get", "-o", "json"]);
    expect(JSON.parse(one.out)).toMatchObject({ kind: "ArkRun", spec: { teamRef: "blog" } });
    const none = await ark(["get", "run", "absent"]);
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining("object.not_found") });
  });

  test("trigger of a team makes an ArkRun and prints its name; --wait follows it to its end", async () => {
    const made = await ark(["trigger", "blog", "-i", "topic=owls"]);
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^blog-run-[0-9a-f]{6}\n$/) });
    const name = made.out.trim();
    const stored = await objects().get("ArkRun", { namespace: NS, name });
    expect(stored?.spec).toMatchObject({ teamRef: "blog", input: { topic: "owls" } });
    const followed = ark(["status", name, "--watch", "-o", "json"]);
    await write(name, { phase: "Running", startTime: at(0) });
    await write(name, succeeded);
    const { code, out } = await followed;
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ status: "succeeded", runName: name, totalTokens: 15, output: "the end" });
  });

  test("cancel sets the annotation; an ended run stays as it is", async () => {
    await newRun("blog-run-cancel");
    expect(await ark(["cancel", "blog-run-cancel"])).toMatchObject({ code: 0, out: "blog-run-cancel\n" });
    const run = await objects().get("ArkRun", { namespace: NS, name: "blog-run-cancel" });
    expect(run?.metadata.annotations).toEqual({ "arkonis.dev/cancel": "true" });
  });

  test("retry makes a new run that names the old one", async () => {
    await newRun("blog-run-retry");
    await write("blog-run-retry", failed);
    const retried = await ark(["retry", "blog-run-retry", "-o", "json"]);
    const { runs } = JSON.parse(retried.out) as { runs: string[] };
    const run = await objects().get("ArkRun", { namespace: NS, name: runs[0] ?? "" });
    expect(run?.metadata.annotations).toEqual({ "arkonis.dev/retry-of": "blog-run-retry" });
  });

  test("status tells where it is connected, and a run's story", async () => {
    await newRun("blog-run-status");
    await write("blog-run-status", failed);
    expect((await ark(["status"])).out).toContain(`Connected to the cluster at ${api.url}`);
    expect((await ark(["status", "blog-run-status"])).out).toContain("no such model");
  });

  test("a right that is missing is named: 3, with the server's own words", async () => {
    const kubeconfig = await as("nobody", []);
    const refused = await runArk(["get", "teams", "--kubeconfig", kubeconfig]);
    expect(refused.code).toBe(3);
    expect(refused.err).toMatch(
      /server\.refused: .*"system:serviceaccount:default:nobody" cannot list resource "arkteams"/,
    );
    expect(refused.err).toContain("ark doctor");
  });
});

describe("the front door, with the token of the event", () => {
  test("trigger fires a webhook event and prints the runs; one key fires once", async () => {
    const fired = await ark(["trigger", "event/greet", "--data", "{}", "--idempotency-key", "k1"]);
    expect(fired).toMatchObject({ code: 0, out: expect.stringMatching(/^blog-run-[0-9a-z]{10}\n$/) });
    const again = await ark(["trigger", "event/greet", "--data", "{}", "--idempotency-key", "k1"]);
    expect(again.out).toBe(fired.out);
    expect(again.err).toContain("used before");
  });

  test("trigger --sync: a run that nobody has made in time is named: 124", async () => {
    const late = await ark(["trigger", "event/greet", "--sync", "--timeout", "1s"]);
    expect(late).toMatchObject({ code: 124, err: expect.stringMatching(/there is no run blog-run-[0-9a-z]{10} yet/) });
  });
});

describe("the record of a run, with the token of the namespace's record", () => {
  const key = { step: "write", iteration: 0, attempt: 0 };
  const requested = (ref: RunRef): Fact => {
    return { kind: "run.requested", at: Date.parse(at(0)), ...ref, spec: { teamRef: "blog" }, depth: 0, hop: 0 };
  };
  const started: Fact = { kind: "step.started", at: Date.parse(at(1)), instance: "i", ...key };
  const thought: RecordedTurn = {
    kind: "model",
    index: 0,
    purpose: "answer",
    requestDigest: "",
    answer: { text: "a thought", toolCalls: [], stop: "stop" },
    usage,
    at: 0,
  };
  const turn: Fact = {
    kind: "step.turn",
    at: Date.parse(at(2)),
    ...key,
    turn: 0,
    usage,
    model: "m",
    record: { inline: JSON.stringify(thought) },
  };
  const done = (output: Text): Fact => {
    return { kind: "step.finished", at: Date.parse(at(3)), outcome: { kind: "done", output }, usage, ...key };
  };

  async function recorded(name: string): Promise<RunRef> {
    const { metadata } = await newRun(name);
    return { namespace: NS, run: name, uid: metadata.uid ?? "" };
  }

  test("E11: logs -f follows a run made by hand to its end, turns included; logs and trace show it afterwards", async () => {
    const ref = await recorded("blog-run-logs");
    const facts = door.js.factLog;
    await write(ref.run, { phase: "Running", startTime: at(0) });
    await facts.publish(ref, requested(ref));
    await facts.publish(ref, started);
    const lines: string[] = [];
    const following = ark(["logs", ref.run, "-f"], { onOut: (out) => void lines.push(out) });
    await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toContain("write  started");
    await facts.publish(ref, turn);
    await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toContain("says: a thought");
    await facts.publish(ref, done({ inline: "the end" }));
    await write(ref.run, succeeded);
    const followed = await following;
    expect(followed).toMatchObject({ code: 0, err: "" });
    expect(followed.out.split("\n").filter(Boolean)).toEqual([
      expect.stringMatching(/^\+0\.0s\s+run {2}requested$/),
      expect.stringMatching(/^\+1\.0s\s+write {2}started$/),
      expect.stringMatching(/^\+2\.0s\s+write {2}says: a thought \[m, 10 \+ 5 tokens\]$/),
      expect.stringMatching(/^\+3\.0s\s+write {2}done: the end$/),
    ]);
    expect((await ark(["logs", ref.run])).out).toBe(followed.out);
    const trace = await ark(["trace", ref.run]);
    expect(trace.out).toContain("ark.step write");
    expect(trace.err).not.toContain("Shown is");
  });

  test("R1: a stream that breaks is taken up where it was: nothing is missing, nothing comes twice", async () => {
    const ref = await recorded("blog-run-cut");
    await write(ref.run, { phase: "Running", startTime: at(0) });
    await door.js.factLog.publish(ref, requested(ref));
    const lines: string[] = [];
    const following = ark(["logs", ref.run, "-f"], { onOut: (out) => void lines.push(out) });
    await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toContain("requested");
    await front.cut();
    await door.js.factLog.publish(ref, started);
    await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toContain("started");
    await door.js.factLog.publish(ref, done({ inline: "the end" }));
    await write(ref.run, succeeded);
    const { code, out } = await following;
    expect({ code, lines: out.split("\n").filter(Boolean).length }).toEqual({ code: 0, lines: 3 });
  });

  test("a long output is printed whole", async () => {
    const ref = await recorded("blog-run-long");
    const text = "z".repeat(INLINE_LIMIT_BYTES + 1);
    const output = await door.js.outputs.store(ref, text);
    const phase = { kind: "succeeded", endedAt: 2, output } as const;
    const state = { version: 1, ...ref, spec: { teamRef: "blog" }, depth: 0, hop: 0, startedAt: 1, phase } as const;
    await door.js.runStates.put({ ...state, steps: {}, issued: {} }, 0);
    const outputRef = "ref" in output ? { digest: output.ref.digest, bytes: output.ref.bytes } : undefined;
    await write(ref.run, { ...succeeded, output: "zzz", ...(outputRef && { outputRef }) });
    const { out } = await ark(["status", ref.run, "-o", "json"]);
    expect((JSON.parse(out) as { output: string }).output).toBe(text);
  });

  test("whoever may not read the Secret is shown what the status holds, and told why", async () => {
    await newRun("blog-run-status-only");
    await write("blog-run-status-only", failed);
    const reads = { apiGroups: ["arkonis.dev"], resources: ["arkruns"], verbs: ["get", "list", "watch"] };
    const kubeconfig = await as("reader", [reads]);
    const shown = await runArk(["logs", "blog-run-status-only", "--kubeconfig", kubeconfig, "--server", front.url]);
    expect(shown.code).toBe(0);
    expect(shown.err).toContain("without turns and tool calls: you may not read Secret ark-record-token");
    expect(shown.out).toMatch(/write \(attempt 2\) {2}failed: provider\.refused: no such model/);
    const away = await runArk(["logs", "blog-run-status-only", "--kubeconfig", api.kubeconfig, "--server", NOBODY]);
    expect(away).toMatchObject({ code: 0, out: shown.out, err: expect.stringContaining("did not answer") });
  });
});

test("replay asks by an annotation, each time anew, and says what waits", async () => {
  const event = () => objects().get("ArkEvent", { namespace: NS, name: "greet" });
  const { uid = "" } = (await event())?.metadata ?? {};
  await objects().writeStatus("ArkEvent", { namespace: NS, name: "greet" }, { deadLetters: 2 });
  const asked = async () => (await event())?.metadata.annotations?.["arkonis.dev/replay-requested-at"];
  const first = await ark(["replay", "greet"]);
  expect(first).toMatchObject({ code: 0, out: "greet\n", err: expect.stringContaining("(2 when last counted)") });
  const before = await asked();
  expect(Date.parse(before ?? "")).not.toBeNaN();
  const second = await ark(["replay", "greet", "-o", "json"]);
  expect(JSON.parse(second.out)).toMatchObject({ event: "greet", deadLetters: 2, requestedAt: await asked() });
  expect(await asked()).not.toBe(before);
  expect((await event())?.metadata.uid).toBe(uid);
  expect(await ark(["replay", "nobody"])).toMatchObject({ code: 2, err: expect.stringContaining("no event nobody") });
});

function wide(now: () => number) {
  return createRateLimit({ perSecond: 1_000, burst: 1_000, maxKeys: 8, now });
}
