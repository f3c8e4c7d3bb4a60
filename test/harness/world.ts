/**
 * The thin line in one line: a real nats-server, a scripted model, the collector and one executor, each as a process of
 * its own. `await using world = await startWorld();`
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { openJetStream, type JetStream } from "#platform/jetstream/jetstream.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { RunRequested } from "#core/events/facts.ts";
import type { RunState } from "#core/pipeline/state.ts";
import type { Script } from "../../local/model-server/script.ts";
import { startModelServer, type ModelServer } from "../../local/model-server/server.ts";
import { startNats, type TestNats } from "./nats.ts";
import { startProcess, type TestProcess } from "./process.ts";

export type WorldOptions = {
  readonly script?: Script;
  readonly leaseSeconds?: number;
  readonly maxConcurrentTasks?: number;
  /** Default: both. */
  readonly processes?: readonly ("collector" | "executor")[];
};

export type World = AsyncDisposable & {
  readonly nats: TestNats;
  readonly js: JetStream;
  readonly model: ModelServer;
  readonly collector: TestProcess;
  readonly executor: TestProcess;
  /** Creates the ArkRun and announces it, as the dispatcher does. */
  request(run: string, spec?: Partial<ArkRunSpec>): Promise<void>;
  /** The run's last state. */
  ended(run: string, signal?: AbortSignal): Promise<RunState>;
  arkRun(run: string): Promise<ArkRun | undefined>;
};

export const NAMESPACE = "default";
export const AGENT = "writer";

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const stack = new AsyncDisposableStack();
  try {
    return await build(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function build(options: WorldOptions, stack: AsyncDisposableStack): Promise<World> {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-world-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const nats = stack.use(await startNats());
  const model = stack.use(await startModelServer(options.script === undefined ? {} : { script: options.script }));
  const js = stack.use(await openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(30_000) }));
  await js.provision();
  const agentFile = path.join(dir, "agent.json");
  await writeFile(agentFile, JSON.stringify({ agent: agentManifest(options) }));
  const env = {
    ARK_NATS_URL: nats.url,
    ARK_OBJECTS: "nats",
    ARK_MODE: "always",
    ARK_LOG_LEVEL: "info",
    ARK_LEASE_SECONDS: String(options.leaseSeconds ?? 60),
    ARK_AGENT_CONFIG: agentFile,
    ARK_MOCK_BASE_URL: model.url,
    NODE_COMPILE_CACHE: path.join(tmpdir(), "ark-test-compile-cache"),
  };
  const [collector, executor] = await Promise.all([
    startProcess({ entry: "functions/collector/main.ts", env }),
    startProcess({ entry: "functions/executor/main.ts", env }),
  ]);
  stack.use(collector);
  stack.use(executor);
  return {
    nats,
    js,
    model,
    collector,
    executor,
    request: (run, spec) => request(js, run, spec),
    ended: (run, signal) => ended(js, run, signal ?? AbortSignal.timeout(50_000)),
    arkRun: (run) => js.objects.get("ArkRun", { namespace: NAMESPACE, name: run }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function agentManifest({ maxConcurrentTasks = 5 }: WorldOptions): unknown {
  return {
    apiVersion: API_VERSION,
    kind: "ArkAgent",
    metadata: { name: AGENT, namespace: NAMESPACE },
    spec: { model: "mock", systemPrompt: "You write.", limits: { maxConcurrentTasks, retries: 8 } },
  };
}

async function request(js: JetStream, run: string, over: Partial<ArkRunSpec> = {}): Promise<void> {
  const spec: ArkRunSpec =
    over.pipeline === undefined
      ? { agent: AGENT, prompt: `Write about ${run}.`, ...over }
      : { teamRef: "team", ...over };
  const created = await js.objects.create("ArkRun", {
    apiVersion: API_VERSION,
    kind: "ArkRun",
    metadata: { name: run, namespace: NAMESPACE },
    spec,
  });
  const fact: RunRequested = {
    kind: "run.requested",
    at: Date.now(),
    namespace: NAMESPACE,
    run,
    uid: created.object.metadata.uid ?? "",
    spec,
    depth: 0,
    hop: 0,
  };
  await js.factLog.publish({ namespace: NAMESPACE, run, uid: fact.uid }, fact);
}

async function ended(js: JetStream, run: string, signal: AbortSignal): Promise<RunState> {
  for await (const state of js.runStates.watch({ namespace: NAMESPACE, run }, signal)) {
    if (state.phase.kind !== "running") return state;
  }
  throw new Error(`run ${run} did not end`);
}
