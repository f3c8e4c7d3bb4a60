/** Every example runs as a user would run it, on the scripted model, and keeps what its `expect.yaml` promises (D50). */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import type { RecordedTurn } from "#core/agent/ports.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Cluster } from "../../cli/cluster.ts";
import { localCluster } from "../../cli/local-cluster.ts";
import { createRun, newRun } from "../../cli/new-run.ts";
import { startLocal } from "../../local/local.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const BIN = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));
const NAMESPACE = "default";
const TIMEOUT_MS = 55_000;

const ExpectedRun = z.strictObject({
  /** Or agent, where it is a run of one. */
  team: z.string(),
  phase: z.enum(["Succeeded", "Failed"]),
  /** Part of it. */
  output: z.string(),
  steps: z.record(z.string(), z.string()),
  tokens: z.int().optional(),
  iterations: z.record(z.string(), z.int()).optional(),
  validationAttempts: z.record(z.string(), z.int()).optional(),
  children: z.int().optional(),
});
const ExpectedEvent = z.strictObject({
  type: z.string(),
  fired: z.int().optional(),
  scheduled: z.boolean().optional(),
});
const Expectation = z.strictObject({
  fire: z.strictObject({ event: z.string(), body: z.unknown() }).optional(),
  start: z.strictObject({ team: z.string(), input: z.record(z.string(), z.string()) }).optional(),
  ask: z.strictObject({ service: z.string(), task: z.unknown(), output: z.string() }).optional(),
  /** All of them, and no other. */
  runs: z.array(ExpectedRun).min(1),
  events: z.record(z.string(), ExpectedEvent).optional(),
  /** Parts of what tools answered, as the record holds it. */
  toolResults: z.array(z.string()).optional(),
});
type Expected = z.output<typeof Expectation>;

/** An example that begins with a warning is no example. */
const warned: unknown[] = [];
const log: Logger = {
  debug: () => {},
  info: () => {},
  warn: (...said) => void warned.push(said),
  error: (...said) => void warned.push(said),
  child: () => log,
};

let dataDir = "";
let stop = new AbortController();
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "ark-example-"));
  stop = new AbortController();
  warned.length = 0;
});
afterEach(async () => {
  stop.abort();
  await rm(dataDir, { recursive: true, force: true });
});

const examples = (await readdir(EXAMPLES)).toSorted((a, b) => (a < b ? -1 : 1));

describe("D50: examples", () => {
  it.each(examples)("%s", async (name) => {
    const folder = path.join(EXAMPLES, name);
    const expected = Expectation.parse(parse(await readFile(path.join(folder, "expect.yaml"), "utf8")));
    await using local = await startLocal({
      sources: [folder],
      dataDir,
      port: 0,
      provider: "mock",
      env: { PATH: `${BIN}${path.delimiter}${process.env["PATH"] ?? ""}`, HOME: process.env["HOME"] },
      log,
      signal: stop.signal,
    });
    const cluster = localCluster({ url: local.url, token: local.token, signal: stop.signal });
    await begin(cluster, expected);
    await ask(cluster, local.url, expected);
    const runs = await ended(cluster, expected.runs.length);
    for (const wanted of expected.runs) checkRun(runs, wanted);
    expect(runs.map(startedBy).toSorted()).toEqual(expected.runs.map((run) => run.team).toSorted());
    for (const [event, wanted] of Object.entries(expected.events ?? {})) await checkEvent(cluster, event, wanted);
    await checkTools(cluster, runs, expected.toolResults ?? []);
    expect(warned).toEqual([]);
  });
});

async function begin(cluster: Cluster, { fire, start }: Expected): Promise<void> {
  if (fire !== undefined) {
    const secret = await cluster.secret({ namespace: NAMESPACE, name: `${fire.event}-webhook-token` });
    const request = {
      key: { namespace: NAMESPACE, name: fire.event },
      token: secret?.["token"] ?? "",
      body: JSON.stringify(fire.body),
    };
    expect(await cluster.fire(request, stop.signal)).toMatchObject({ status: 202, body: { fired: true } });
  }
  if (start !== undefined) await createRun(cluster, newRun(NAMESPACE, { teamRef: start.team, input: start.input }));
}

async function ask(cluster: Cluster, url: string, { ask: asked }: Expected): Promise<void> {
  if (asked === undefined) return;
  const secret = await cluster.secret({ namespace: NAMESPACE, name: `${asked.service}-service-token` });
  const response = await fetch(`${url}/services/${NAMESPACE}/${asked.service}`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret?.["token"]}`, "content-type": "application/json" },
    body: JSON.stringify(asked.task),
    signal: stop.signal,
  });
  expect(await response.json()).toMatchObject({ status: "succeeded", output: asked.output });
}

function startedBy({ spec }: ArkRun): string {
  return spec.teamRef ?? spec.agent ?? "";
}

/** The runs, once so many have ended. */
async function ended(cluster: Cluster, count: number): Promise<readonly ArkRun[]> {
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const runs = new Map<string, ArkRun>();
  for await (const { object } of cluster.watch("ArkRun", {}, signal)) {
    runs.set(object.metadata.name ?? "", object);
    const over = [...runs.values()].filter(({ status }) => status?.phase === "Succeeded" || status?.phase === "Failed");
    if (over.length >= count && over.length === runs.size) return over;
  }
  const seen = [...runs.values()].map(({ metadata, status }) => `${metadata.name}: ${JSON.stringify(status)}`);
  throw new Error(`not all ${count} runs have ended:\n${seen.join("\n")}`);
}

function checkRun(runs: readonly ArkRun[], wanted: Expected["runs"][number]): void {
  const run = runs.find((one) => startedBy(one) === wanted.team);
  const { status } = run ?? {};
  expect(status, `run of ${wanted.team}`).toMatchObject({ phase: wanted.phase });
  expect(status?.output).toContain(wanted.output);
  const by = <T>(read: (step: NonNullable<NonNullable<typeof status>["steps"]>[number]) => T, of: object) =>
    Object.fromEntries((status?.steps ?? []).filter(({ name }) => name in of).map((step) => [step.name, read(step)]));
  expect(Object.fromEntries((status?.steps ?? []).map((step) => [step.name, step.phase]))).toEqual(wanted.steps);
  if (wanted.tokens !== undefined) expect(status?.totalTokenUsage?.totalTokens).toBe(wanted.tokens);
  const { iterations = {}, validationAttempts = {} } = wanted;
  expect(by((step) => step.iterations, iterations)).toEqual(iterations);
  expect(by((step) => step.validationAttempts, validationAttempts)).toEqual(validationAttempts);
  if (wanted.children !== undefined) expect(status?.children).toHaveLength(wanted.children);
}

/** Counters are written a moment after the runs they count: waited for, not slept for. */
async function checkEvent(cluster: Cluster, name: string, wanted: z.output<typeof ExpectedEvent>): Promise<void> {
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  for await (const { object } of cluster.watch("ArkEvent", { namespace: NAMESPACE, name }, signal)) {
    expect(object.spec.source.type).toBe(wanted.type);
    const { firedCount = 0, nextFireAt } = object.status ?? {};
    const counted = wanted.fired === undefined || firedCount === wanted.fired;
    const scheduled = wanted.scheduled === undefined || (nextFireAt !== undefined) === wanted.scheduled;
    if (counted && scheduled) return;
  }
  throw new Error(`event ${name} never showed ${JSON.stringify(wanted)}`);
}

async function checkTools(cluster: Cluster, runs: readonly ArkRun[], wanted: readonly string[]): Promise<void> {
  const results: string[] = [];
  for (const { metadata } of runs) {
    const key = { namespace: NAMESPACE, name: metadata.name ?? "" };
    for await (const line of cluster.facts(key, { follow: false }, stop.signal)) {
      if ("tokens" in line || line.fact.kind !== "step.turn" || !("inline" in line.fact.record)) continue;
      const turn = JSON.parse(line.fact.record.inline) as RecordedTurn;
      if (turn.kind === "tools") results.push(...turn.results.map(({ text }) => text));
    }
  }
  for (const text of wanted) expect(results.join("\n")).toContain(text);
}
