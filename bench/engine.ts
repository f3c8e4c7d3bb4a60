/**
 * The collector over a real nats-server, in this process, with an executor that answers at once: what the engine and
 * the queue alone cost.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Delivery } from "#core/ports/record.ts";
import { type JetStream, openJetStream } from "#platform/jetstream/jetstream.ts";
import { apiMeters } from "#platform/telemetry/metrics.ts";
import { apiSpans } from "#platform/telemetry/tracing.ts";
import { createCollector } from "../functions/collector/collect.ts";
import { collectorPorts } from "../local/system.ts";
import { quiet } from "../test/harness/ark.ts";
import { startNats, type TestNats } from "../test/harness/nats.ts";

export const NAMESPACE = "default";
const AGENT = "instant";
const WAIT_MS = 30_000;

export type Engine = AsyncDisposable & {
  readonly nats: TestNats;
  readonly js: JetStream;
  /** Creates and announces a run; resolves with its uid. */
  request(run: string, spec: ArkRunSpec): Promise<string>;
  next(): Promise<Delivery<Task>>;
  /** Stores the result of a task; resolves once it is stored. */
  finish(task: Task): Promise<void>;
  ended(run: string): Promise<void>;
};

export async function startEngine(): Promise<Engine> {
  const stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const open = (name: string) => openJetStream({ url: nats.url, name, signal: AbortSignal.timeout(WAIT_MS) });
  const js = stack.use(await open("bench"));
  await js.provision();
  const own = stack.use(await open("collector"));
  const stop = new AbortController();
  const collector = createCollector(collectorPorts(own, { spans: apiSpans(), meters: apiMeters() }, quiet));
  const running = collector.run(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await running;
  });
  return {
    nats,
    js,
    request: (run, spec) => request(js, run, spec),
    next: () => next(js),
    finish: (task) => finish(js, task),
    ended: (run) => ended(js, run),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A pipeline of one role, each step after the one before it. */
export function chain(steps: number): ArkRunSpec {
  return {
    teamRef: "bench",
    teamGeneration: 1,
    roles: [{ name: AGENT, arkAgent: AGENT }],
    pipeline: Array.from({ length: steps }, (_, n) => ({
      name: `s${n}`,
      role: AGENT,
      inputs: { prompt: n === 0 ? "begin" : `after {{ .steps.s${n - 1}.output }}` },
      ...(n > 0 && { dependsOn: [`s${n - 1}`] }),
    })),
  };
}

async function request(js: JetStream, run: string, spec: ArkRunSpec): Promise<string> {
  const metadata = { name: run, namespace: NAMESPACE };
  const { object } = await js.objects.create("ArkRun", { apiVersion: API_VERSION, kind: "ArkRun", metadata, spec });
  const uid = object.metadata.uid ?? "";
  const at = Date.now();
  const fact = { kind: "run.requested", at, namespace: NAMESPACE, run, uid, spec, depth: 0, hop: 0 } as const;
  await js.factLog.publish({ namespace: NAMESPACE, run, uid }, fact);
  return uid;
}

async function next(js: JetStream): Promise<Delivery<Task>> {
  const signal = AbortSignal.timeout(WAIT_MS);
  for (;;) {
    const delivery = await js.tasks.next({ namespace: NAMESPACE, agent: AGENT }, 5_000, signal);
    if (delivery !== undefined) return delivery;
    signal.throwIfAborted();
    await turn();
  }
}

async function finish(js: JetStream, task: Task): Promise<void> {
  const { step, iteration, attempt } = task;
  const outcome = { kind: "done", output: { inline: `the answer of ${step}` } } as const;
  const usage = { inputTokens: 10, outputTokens: 5 };
  await js.factLog.publish(task, { kind: "step.finished", at: Date.now(), step, iteration, attempt, outcome, usage });
}

async function ended(js: JetStream, run: string): Promise<void> {
  const signal = AbortSignal.timeout(WAIT_MS);
  for await (const { phase } of js.runStates.watch({ namespace: NAMESPACE, run }, signal)) {
    if (phase.kind === "succeeded") return;
    if (phase.kind === "failed") throw new Error(`${run}: ${phase.reason} ${phase.message}`);
  }
  throw new Error(`${run} did not end`);
}
