/** The commands against a real API server by RBAC, and a real webhook function as the front door (api 14). */
import { readdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { ArkRun, ArkRunStatus } from "#core/api/v1alpha1/ark-run.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { openKube } from "#platform/kube/client.ts";
import { kubeObjects } from "#platform/kube/objects.ts";
import { type ApiServer, startApiServer } from "../../harness/api-server.ts";
import { ark as runArk, type ArkOptions } from "../../harness/cli.ts";
import { installCrd } from "../../harness/crds.ts";
import { type Door, openDoor, TOKEN } from "../../harness/door.ts";

const NS = "default";
let api: ApiServer;
let door: Door;

const objects = () => kubeObjects(openKube({ kubeconfig: api.kubeconfig }), "test");
const ark = (argv: readonly string[], options: ArkOptions = {}) =>
  runArk([...argv, "--kubeconfig", api.kubeconfig, "--server", door.webhook.url], options);

beforeAll(async () => {
  [api, door] = await Promise.all([startApiServer(), openDoor()]);
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
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await door?.[Symbol.asyncDispose]();
});

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
    const token = await api.serviceAccountToken(NS, "nobody");
    const kubeconfig = path.join(path.dirname(api.kubeconfig), "nobody");
    const config = JSON.parse(await readFile(api.kubeconfig, "utf8")) as { users: { user: object }[] };
    config.users[0]!.user = { token };
    await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
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

  test("trigger --sync prints the output; what has not ended in time names the run: 124", async () => {
    const late = await ark(["trigger", "event/greet", "--sync", "--timeout", "1s"]);
    expect(late).toMatchObject({ code: 124, err: expect.stringMatching(/run blog-run-[0-9a-z]{10} has not ended/) });
  });

  test("E11: logs shows the record of an ended run, and follows one to its end", async () => {
    const name = "blog-run-logs";
    const { metadata } = await newRun(name, "greet");
    const ref = { namespace: NS, run: name, uid: metadata.uid ?? "" };
    const key = { step: "write", iteration: 0, attempt: 0 };
    const facts = door.js.factLog;
    await write(name, { phase: "Running", startTime: at(0) });
    const spec = { teamRef: "blog" };
    const requested = { kind: "run.requested", at: Date.parse(at(0)), spec, event: "greet", depth: 0, hop: 0 } as const;
    await facts.publish(ref, { ...requested, ...ref });
    await door.js.runStates.put(
      {
        ...ref,
        version: 1,
        spec,
        event: "greet",
        depth: 0,
        hop: 0,
        startedAt: 1,
        phase: { kind: "running" },
        steps: {},
        issued: {},
      },
      0,
    );
    await facts.publish(ref, { kind: "step.started", at: Date.parse(at(1)), instance: "i", ...key });
    const lines: string[] = [];
    const following = ark(["logs", name, "-f"], { onOut: (out) => void lines.push(out) });
    await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toContain("write  started");
    const failure = { kind: "failed", code: "provider.rate_limited", message: "busy", mayPass: true } as const;
    await facts.publish(ref, { kind: "step.finished", at: Date.parse(at(2)), outcome: failure, usage, ...key });
    const done = { kind: "done", output: { inline: "the end" } } as const;
    await facts.publish(ref, {
      kind: "step.finished",
      at: Date.parse(at(3)),
      outcome: done,
      usage,
      ...key,
      attempt: 1,
    });
    await door.end(name, "the end");
    await write(name, succeeded);
    const followed = await following;
    expect(followed.code).toBe(0);
    expect(followed.out.split("\n").filter(Boolean)).toEqual([
      expect.stringMatching(/^\+0\.0s\s+run {2}requested by event greet$/),
      expect.stringMatching(/^\+1\.0s\s+write {2}started$/),
      expect.stringMatching(/^\+2\.0s\s+write {2}failed: provider\.rate_limited: busy$/),
      expect.stringMatching(/^\+3\.0s\s+write \(attempt 2\) {2}done: the end$/),
    ]);
    expect((await ark(["logs", name])).out).toBe(followed.out);
    const trace = await ark(["trace", name]);
    expect(trace.out).toContain("ark.step write");
  });

  test("logs of a run that goes on ends with what its status shows", async () => {
    const name = "blog-run-goes-on";
    const { metadata } = await newRun(name, "greet");
    const ref = { namespace: NS, run: name, uid: metadata.uid ?? "" };
    const spec = { teamRef: "blog" };
    const step = { name: "write", phase: "Running", attempts: 1, iterations: 1, startTime: at(1) } as const;
    await write(name, { phase: "Running", startTime: at(0), steps: [step] });
    await door.js.factLog.publish(ref, {
      kind: "run.requested",
      at: Date.parse(at(0)),
      spec,
      event: "greet",
      depth: 0,
      hop: 0,
      ...ref,
    });
    await door.js.factLog.publish(ref, {
      kind: "step.started",
      at: Date.parse(at(1)),
      instance: "i",
      step: "write",
      iteration: 0,
      attempt: 0,
    });
    await door.js.runStates.put(
      {
        ...ref,
        version: 1,
        spec,
        event: "greet",
        depth: 0,
        hop: 0,
        startedAt: 1,
        phase: { kind: "running" },
        steps: {},
        issued: {},
      },
      0,
    );
    const { code, out } = await ark(["logs", name]);
    expect(code).toBe(0);
    expect(out.split("\n").filter(Boolean)).toHaveLength(2);
  });

  test("a run that no event started shows what its status holds, and says so", async () => {
    await newRun("blog-run-by-hand");
    await write("blog-run-by-hand", failed);
    const { code, out, err } = await ark(["logs", "blog-run-by-hand"]);
    expect(code).toBe(0);
    expect(err).toContain("no event started run blog-run-by-hand");
    expect(out).toMatch(/write \(attempt 2\) {2}failed: provider\.refused: no such model/);
  });
});
