/**
 * The whole line in one line: a real nats-server, a scripted model, a broker, and our functions, each as a process of
 * its own. `await using world = await startWorld();`
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { ArkRun, ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import type { RunState } from "#core/pipeline/state.ts";
import { announce } from "#core/runs/start-run.ts";
import { openJetStream, type JetStream } from "#platform/jetstream/jetstream.ts";
import type { Script } from "../../local/model-server/script.ts";
import { startModelServer, type ModelServer } from "../../local/model-server/server.ts";
import { bundle } from "../../scripts/bundle.ts";
import { startBroker, type TestBroker } from "./broker.ts";
import { startNats, type TestNats } from "./nats.ts";
import { type GuardedNats, startGuardedNats } from "./nats-accounts.ts";
import { startProcess, type TestProcess } from "./process.ts";

export type FunctionName = "webhook" | "dispatcher" | "collector" | "executor";

export type WorldOptions<F extends FunctionName = FunctionName> = {
  readonly functions: readonly F[];
  readonly script?: Script;
  readonly leaseSeconds?: number;
  readonly maxConcurrentTasks?: number;
  /** Webhook tools of the agent. */
  readonly tools?: readonly { readonly name: string; readonly url: string }[];
  readonly mcpServers?: readonly { readonly name: string; readonly url: string }[];
  /** Semantic readiness of the agent. */
  readonly probe?: { readonly intervalSeconds: number; readonly validatorPrompt: string };
  readonly env?: Readonly<Record<string, string>>;
  /** Runs the bundles that are deployed, which start faster, instead of the sources. */
  readonly bundled?: boolean;
  /** NATS has users: executors and routers are guests, as ADR 0015 says. */
  readonly guests?: boolean;
};

export type World<F extends FunctionName = FunctionName> = AsyncDisposable & {
  readonly nats: TestNats;
  readonly js: JetStream;
  readonly model: ModelServer;
  readonly broker: TestBroker;
  readonly processes: Readonly<Record<F, TestProcess>>;
  /** One more process of a function; it ends with the world. */
  spawn(name: FunctionName | "router", env?: Readonly<Record<string, string>>): Promise<TestProcess>;
  /** Creates the ArkRun and announces it, as the dispatcher does. */
  request(run: string, spec?: Partial<ArkRunSpec>): Promise<void>;
  /** The run's last state. */
  ended(run: string, signal?: AbortSignal): Promise<RunState>;
  arkRun(run: string): Promise<ArkRun | undefined>;
};

export const NAMESPACE = "default";
export const AGENT = "writer";
export const AGENT_UID = "0b4c1f6e-uid-of-writer";

export async function startWorld<F extends FunctionName>(options: WorldOptions<F>): Promise<World<F>> {
  const stack = new AsyncDisposableStack();
  try {
    return await build(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function build<F extends FunctionName>(options: WorldOptions<F>, stack: AsyncDisposableStack): Promise<World<F>> {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-world-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const guarded = options.guests === true ? stack.use(await startGuardedNats()) : undefined;
  const nats = guarded?.nats ?? stack.use(await startNats());
  const model = stack.use(await startModelServer(options.script === undefined ? {} : { script: options.script }));
  const broker = stack.use(await startBroker());
  const taskAckWaitMs = (options.leaseSeconds ?? 60) * 1_000;
  const signIn = { taskAckWaitMs, ...(guarded !== undefined && { creds: guarded.creds }) };
  const js = stack.use(
    await openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(30_000), ...signIn }),
  );
  await js.provision();
  await js.taskQueues.open({ namespace: NAMESPACE, agent: AGENT });
  const agentFile = path.join(dir, "agent.json");
  await writeFile(agentFile, JSON.stringify({ agent: agentManifest(options) }));
  const env = {
    ARK_NATS_URL: nats.url,
    ARK_OBJECTS: "nats",
    ARK_MODE: "always",
    ARK_LEASE_SECONDS: String(options.leaseSeconds ?? 60),
    ARK_AGENT_CONFIG: agentFile,
    ARK_MOCK_BASE_URL: model.url,
    BROKER_URL: broker.url,
    ...(guarded !== undefined && { ARK_NATS_CREDS: guarded.creds }),
    NODE_COMPILE_CACHE: path.join(tmpdir(), "ark-test-compile-cache"),
    ...options.env,
  };
  const bundles = new Map<string, Promise<string>>();
  /** Once, however many processes of it are started at once: one that is built anew is no file for a moment. */
  const bundleOf = (name: string): Promise<string> => {
    const made = bundles.get(name) ?? bundled(name, dir);
    bundles.set(name, made);
    return made;
  };
  const spawn = async (
    name: FunctionName | "router",
    own: Readonly<Record<string, string>> = {},
  ): Promise<TestProcess> => {
    const entry = options.bundled === true ? await bundleOf(name) : `functions/${name}/main.ts`;
    const asGuest = guarded === undefined ? {} : await guestEnv(guarded, name, own);
    return stack.use(await startProcess({ entry, env: { ...env, ...own, ...asGuest } }));
  };
  const started = await Promise.all(
    options.functions.map(async (name): Promise<[F, TestProcess]> => [name, await spawn(name)]),
  );
  const processes = Object.fromEntries(started) as Record<F, TestProcess>;
  const dispatcher = started.find(([name]) => name === "dispatcher")?.[1];
  if (dispatcher !== undefined) broker.subscribe(() => dispatcher.url);
  return {
    nats,
    js,
    model,
    broker,
    processes,
    spawn,
    request: (run, spec) => request(js, run, spec),
    ended: (run, signal) => ended(js, run, signal ?? AbortSignal.timeout(50_000)),
    arkRun: (run) => js.objects.get("ArkRun", { namespace: NAMESPACE, name: run }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function guestEnv(
  guarded: GuardedNats,
  name: FunctionName | "router",
  { ARK_SERVICE: service = "" }: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  if (name !== "executor" && name !== "router") return {};
  const own = name === "executor" ? { agent: AGENT } : { service };
  return { ARK_NATS_GUEST: "true", ARK_NATS_CREDS: await guarded.guest({ namespace: NAMESPACE, ...own }) };
}

async function bundled(name: string, out: string): Promise<string> {
  const built = await bundle({ name, file: path.resolve("functions", name, "main.ts") }, out);
  return path.join(built.dir, "main.js");
}

function agentManifest({ maxConcurrentTasks = 5, tools = [], mcpServers = [], probe }: Partial<WorldOptions>): unknown {
  const livenessProbe = probe === undefined ? {} : { livenessProbe: { type: "semantic", ...probe } };
  return {
    apiVersion: API_VERSION,
    kind: "ArkAgent",
    metadata: { name: AGENT, namespace: NAMESPACE, uid: AGENT_UID },
    spec: {
      model: "mock",
      systemPrompt: "You write.",
      limits: { maxConcurrentTasks, retries: 8 },
      tools,
      mcpServers,
      ...livenessProbe,
    },
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
  await announce(created.object, { facts: js.factLog, now: Date.now });
}

async function ended(js: JetStream, run: string, signal: AbortSignal): Promise<RunState> {
  while (!signal.aborted) {
    try {
      for await (const state of js.runStates.watch({ namespace: NAMESPACE, run }, signal)) {
        if (state.phase.kind !== "running") return state;
      }
    } catch (error) {
      // The test's own eyes go blind while nats-server is away.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
  throw new Error(`run ${run} did not end`);
}
