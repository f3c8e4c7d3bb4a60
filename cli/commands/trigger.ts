/** `ark trigger TEAM|AGENT|EVENT`: a new run, or a webhook fired as any caller would. */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import { ArkError } from "#core/errors.ts";
import type { Cluster, FireAnswer, Key } from "../cluster.ts";
import { watchDeadLetters, whyGivenUp } from "../dead-letters.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { createKeyedRun, createRun, newRun } from "../new-run.ts";
import { dataOption, durationOption, inputOption, usage, type CommonOptions } from "../options.ts";
import { printOutput, printResult } from "../print.ts";
import { oneLine } from "../render/style.ts";
import { requireInput } from "../require-input.ts";
import { refused } from "../rest.ts";
import { findTarget, type Target } from "../target.ts";
import { finishRuns } from "./finish.ts";

export type TriggerOptions = CommonOptions & {
  readonly input: readonly string[];
  readonly data?: string;
  readonly prompt?: string;
  readonly sync?: boolean;
  readonly wait?: boolean;
  readonly timeout: string;
  readonly idempotencyKey?: string;
};

export async function trigger(cluster: Cluster, name: string, options: TriggerOptions, io: Io): Promise<number> {
  const timeoutMs = durationOption("--timeout", options.timeout);
  const target = await findTarget(cluster, options.namespace, name);
  if (target.kind === "event") return fireEvent(cluster, target.event, options, timeoutMs, io);
  const key = await startRun(cluster, target, options, io);
  return finish(cluster, [key], options, timeoutMs, io);
}

type Runnable = Exclude<Target, { kind: "event" }>;

async function startRun(cluster: Cluster, target: Runnable, options: TriggerOptions, io: Io): Promise<Key> {
  const { namespace, idempotencyKey } = options;
  const spec = specOf(target, options);
  if (idempotencyKey === undefined) return createRun(cluster, newRun(namespace, spec));
  const { uid = "" } = target.kind === "team" ? target.team.metadata : target.agent.metadata;
  const { key, replayed } = await createKeyedRun(cluster, namespace, spec, { uid, idempotencyKey });
  if (replayed) io.err(USED_BEFORE);
  return key;
}

const USED_BEFORE = "This idempotency key was used before: these are the runs of then.\n";

function specOf(target: Runnable, options: TriggerOptions): ArkRunSpec {
  if (options.data !== undefined) throw usage("--data is for events", "Give a team its input with --input key=value.");
  if (target.kind === "team") {
    if (options.prompt !== undefined) throw usage("--prompt is for agents", "Give a team its input with --input.");
    const input = inputOption(options.input);
    requireInput(target.team, input);
    const teamRef = target.team.metadata.name ?? "";
    return Object.keys(input).length === 0 ? { teamRef } : { teamRef, input };
  }
  if (options.prompt === undefined || options.input.length > 0) {
    throw usage("an agent needs --prompt, and takes no --input", 'Write --prompt "what it should do".');
  }
  return { agent: target.agent.metadata.name ?? "", prompt: options.prompt };
}

async function fireEvent(
  cluster: Cluster,
  event: ArkEvent,
  options: TriggerOptions,
  timeoutMs: number,
  io: Io,
): Promise<number> {
  const key = { namespace: options.namespace, name: event.metadata.name ?? "" };
  const request = {
    key,
    token: await tokenOf(cluster, event, key),
    body: await bodyOf(options, io),
    ...(options.sync === true ? { syncMs: timeoutMs } : {}),
    ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
  };
  const answer = await cluster.fire(request, io.signal);
  if (options.sync === true) return printSync(cluster, key, answer, options, io);
  const runs = runsOf(answer, key);
  if (answer.replayed) io.err(USED_BEFORE);
  using _ = options.wait === true ? watchDeadLetters(cluster, event, runs, io) : undefined;
  return await finish(cluster, runs, options, timeoutMs, io);
}

function runsOf(answer: FireAnswer, { namespace, name }: Key): readonly Key[] {
  if (answer.status >= 300) throw refused(answer.status, answer.body);
  const { fired, reason = "", runs = [] } = answer.body as { fired?: boolean; reason?: string; runs?: string[] };
  if (fired === false) throw new ArkError("server.refused", `event ${name} was not fired: ${reason}`, tryLater(name));
  return runs.map((run) => ({ namespace, name: run }));
}

function tryLater(name: string): string {
  return `See its runs with \`ark get runs -l arkonis.dev/event=${name}\`, and fire it again when they have ended.`;
}

async function tokenOf(cluster: Cluster, event: ArkEvent, key: Key): Promise<string> {
  const { type } = event.spec.source;
  if (type !== "webhook") {
    const teams = event.spec.targets.map((target) => target.team ?? target.agent ?? "");
    throw usage(
      `event ${key.name} is of type ${type}: only webhook events are fired by hand`,
      `Start what it would start: ${teams.map((team) => `ark trigger ${team}`).join("; ")}`,
    );
  }
  const token = (await cluster.secret({ ...key, name: `${key.name}-webhook-token` }))?.["token"];
  if (token !== undefined) return token;
  throw new ArkError(
    "object.not_found",
    `event ${key.name} has no token yet`,
    `Look at its condition: ark get event ${key.name} -n ${key.namespace} -o yaml`,
  );
}

async function bodyOf(options: TriggerOptions, io: Io): Promise<string> {
  if (options.prompt !== undefined) throw usage("--prompt is for agents", "Give an event its body with --data.");
  if (options.data === undefined) return JSON.stringify(inputOption(options.input));
  if (options.input.length > 0) throw usage("--data and --input exclude each other", "Put all of it into --data.");
  return dataOption("--data", options.data, io);
}

/** The webhook's own answer. */
async function printSync(
  cluster: Cluster,
  event: Key,
  answer: FireAnswer,
  options: TriggerOptions,
  io: Io,
): Promise<number> {
  if (answer.status === 504) throw await syncTimeout(cluster, event, answer);
  if (answer.status !== 200) throw refused(answer.status, answer.body);
  const { output, status, error } = answer.body as { output?: string; status?: string; error?: { message?: string } };
  printResult(io, options.output, answer.body, () => "");
  if (options.output === "text") {
    printOutput(io, output ?? JSON.stringify(answer.body, null, 2));
    if (status !== "succeeded")
      io.err(`${io.style.red("Run Failed")}: ${oneLine(error?.message ?? "see the answer")}\n`);
  }
  return status === "succeeded" ? EXIT.done : EXIT.runFailed;
}

/** The run that the answer names goes on, if it is there. */
async function syncTimeout(cluster: Cluster, event: Key, { body }: FireAnswer): Promise<ArkError> {
  const { runName: run = "" } = body as { runName?: string };
  if ((await cluster.get("ArkRun", { ...event, name: run })) === undefined) {
    return new ArkError("timeout", `there is no run ${run} yet: its fire may have been given up`, whyGivenUp(event));
  }
  return new ArkError("timeout", `run ${run} has not ended in time; it goes on`, `Look again: ark status ${run}`);
}

async function finish(
  cluster: Cluster,
  runs: readonly Key[],
  options: TriggerOptions,
  timeoutMs: number,
  io: Io,
): Promise<number> {
  if (options.wait === true || options.sync === true) {
    const progress = options.sync === true ? "quiet" : io.live ? "live" : "lines";
    return finishRuns(cluster, runs, { progress, timeoutMs, output: options.output }, io);
  }
  printResult(io, options.output, { runs: runs.map(({ name }) => name) }, () =>
    runs.map(({ name }) => `${name}\n`).join(""),
  );
  const [first] = runs;
  if (first !== undefined)
    io.err(io.style.dim(`Follow it with: ark status ${first.name} -n ${first.namespace} --watch\n`));
  return EXIT.done;
}
