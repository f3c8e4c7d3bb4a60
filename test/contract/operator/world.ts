/** The operator's leader on a real API server with Ark's and Knative's kinds, and a real nats-server. */
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { parse } from "yaml";
import type { Kind } from "#core/api/objects.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { hold } from "#platform/http/hold.ts";
import { kubeChildren } from "#platform/kube/children.ts";
import { openKube } from "#platform/kube/client.ts";
import { createRecorder } from "#platform/kube/events.ts";
import { kubeFinalizers } from "#platform/kube/finalizers.ts";
import { kubeObjects, pathOf } from "#platform/kube/objects.ts";
import { apiMeters } from "#platform/telemetry/metrics.ts";
import { createApplier } from "../../../operator/applier.ts";
import { type Config, parseConfig, readEnv } from "../../../operator/config.ts";
import { createLeading, type LeadDeps, type Leading } from "../../../operator/lead.ts";
import { createWaking, type Waking } from "../../../operator/waker/waking.ts";
import { readSigner } from "../../../operator/nats-signer.ts";
import { createReferences } from "../../../operator/references.ts";
import { type ApiServer, startApiServer } from "../../harness/api-server.ts";
import { installCrd } from "../../harness/crds.ts";
import { installKnative } from "../../harness/knative.ts";
import { startNats, type TestNats } from "../../harness/nats.ts";
import { QUIET } from "./quiet.ts";

export type Term = { readonly leading: Leading; stop(): Promise<void> };

export type OperatorWorld = AsyncDisposable & {
  readonly api: ApiServer;
  readonly nats: TestNats;
  readonly js: JetStream;
  readonly config: Config;
  /** What stands there, or undefined. */
  get(path: string): Promise<Body | undefined>;
  post(path: string, body: object): Promise<Body>;
  create(kind: Kind, name: string, spec: object, namespace?: string): Promise<Body>;
  /** A leader of its own, until it is stopped. */
  lead(env?: Readonly<Record<string, string>>, now?: () => number, portFault?: LeadDeps["portFault"]): Term;
  /** Until then nobody leads. */
  stopLeading(): Promise<void>;
};

export type Body = Record<string, unknown>;

export const POLL = { timeout: 60_000, interval: 50 };

const ENV = { ARK_EXECUTOR_IMAGE: "example.org/executor:1", ARK_RESYNC_SECONDS: "1" };
export const SYSTEM = "ark-system";

export async function startOperatorWorld({ knative = true } = {}): Promise<OperatorWorld> {
  const [api, nats] = await Promise.all([startApiServer(), startNats()]);
  const js = await openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(120_000) });
  await js.provision();
  const files = (await readdir("crds")).filter((name) => name.endsWith(".yaml"));
  for (const file of files) await installCrd(api, parse(await readFile(path.join("crds", file), "utf8")));
  if (knative) await installKnative(api);
  const namespace = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await api.request("POST", "/api/v1/namespaces", namespace(SYSTEM));
  const terms: Term[] = [];
  const post: OperatorWorld["post"] = async (at, whole) => {
    const { status, body } = await api.request("POST", at, whole);
    if (status !== 201) throw new Error(`${at}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  return {
    api,
    nats,
    js,
    config: configOf(nats.url, {}),
    async get(at) {
      const { status, body } = await api.request("GET", at);
      return status === 200 ? body : undefined;
    },
    post,
    create: (kind, name, spec, of = "default") =>
      post(pathOf(kind, of), { apiVersion: API_VERSION, kind, metadata: { name }, spec }),
    lead(env = {}, now = Date.now, portFault = () => undefined) {
      const term = startTerm(api, js, configOf(nats.url, env), now, portFault);
      terms.push(term);
      return term;
    },
    stopLeading: async () => void (await Promise.all(terms.splice(0).map((term) => term.stop()))),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(terms.map((term) => term.stop()));
      await js.close();
      await Promise.all([nats[Symbol.asyncDispose](), api[Symbol.asyncDispose]()]);
    },
  };
}

export function configOf(natsUrl: string, env: Readonly<Record<string, string>>): Config {
  const outcome = parseConfig(readEnv({ ...ENV, ARK_NATS_URL: natsUrl, ...env }));
  if (outcome.kind === "faults") throw new Error(outcome.faults.join("; "));
  return outcome.config;
}

let tokens = 0;

function startTerm(
  api: ApiServer,
  js: JetStream,
  config: Config,
  now: () => number,
  portFault: LeadDeps["portFault"],
): Term {
  const stop = new AbortController();
  const waking = createWaking(wakingDeps(js), stop.signal);
  const leading = createLeading(leadDeps(api, js, waking, config, now, portFault));
  const running = leading.run(stop.signal);
  return {
    leading,
    stop: async () => {
      stop.abort();
      await Promise.all([running, waking.ended()]);
    },
  };
}

export function wakingDeps(js: JetStream): Parameters<typeof createWaking>[0] {
  return {
    backlog: js.backlog,
    hints: js.wakes,
    fires: js.fireHints,
    hold,
    random: Math.random,
    meters: apiMeters(),
    log: QUIET,
  };
}

export function leadDeps(
  api: ApiServer,
  js: JetStream,
  waking: Waking,
  config: Config,
  now: () => number = Date.now,
  portFault: LeadDeps["portFault"] = () => undefined,
): LeadDeps {
  const kube = openKube({ kubeconfig: api.kubeconfig });
  const children = kubeChildren(kube, "ark-operator");
  return {
    kube,
    config,
    children,
    objects: kubeObjects(kube, "ark-operator"),
    applier: createApplier(children),
    finalizers: kubeFinalizers(kube, "ark-operator"),
    references: createReferences(children, config.resyncMs / 2, () => performance.now()),
    triggers: js.triggers,
    tallies: js.tallies,
    letters: js.deadLetters,
    replays: js.replays,
    usage: js.usage,
    probes: js.probes,
    toolServers: js.toolServers,
    services: js.services,
    portFault,
    instances: js.instances,
    outbox: js.outbox,
    taskQueues: js.taskQueues,
    natsSigner: () => readSigner(config.natsSigning),
    facts: js.factLog,
    states: js.runStates,
    waking,
    recorder: createRecorder(kube, { controller: "arkonis.dev/operator", instance: "test", now: Date.now, log: QUIET }),
    now,
    random: Math.random,
    newToken: () => `made-${(tokens += 1)}`,
    meters: apiMeters(),
    log: QUIET,
  };
}

/** The condition Ready of an Ark object; empty where it has none. */
export function readyOf(object: unknown): { status?: string; reason?: string; message?: string } {
  const conditions = fieldOf(object, "status", "conditions");
  return (Array.isArray(conditions) ? conditions : []).find((one) => fieldOf(one, "type") === "Ready") ?? {};
}

/** What stands at this path of fields, or undefined. */
export function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, name) =>
      typeof at === "object" && at !== null ? Object.entries(at).find(([key]) => key === name)?.[1] : undefined,
    value,
  );
}
