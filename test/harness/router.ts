/** A router in one line, over real HTTP: `await using router = await startRouter(js, agent);` */
import { randomUUID } from "node:crypto";
import { STRATEGIES } from "#core/api/v1alpha1/ark-service.ts";
import type { Instances, ServiceRecord } from "#core/ports/services.ts";
import { createA2aServer } from "#platform/a2a/server.ts";
import { createApp } from "#platform/http/app.ts";
import { bearerToken, tokenDigest, tokenMatches } from "#platform/http/bearer.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve } from "#platform/http/server.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { sleep } from "#platform/process/sleep.ts";
import { apiSpans } from "#platform/telemetry/tracing.ts";
import type { RouterDeps } from "../../functions/router/deps.ts";
import { routerRoutes } from "../../functions/router/handler.ts";
import { quiet } from "./ark.ts";
import { AGENT, NAMESPACE, type World } from "./world.ts";

export const SERVICE_TOKEN = "token-of-a-service";
const PATIENCE_MS = 100_000;

export type TestRouter = AsyncDisposable & {
  /** The service named after its strategy; that of `OWN` by its own address, too. */
  post(strategy: ServiceRecord["strategy"], body: unknown, how?: How): Promise<Response>;
};

type How = { readonly way?: "own" | "path"; readonly mode?: "sync" | "async" };

const OWN = "round-robin";

/** Serves one service of `agent` for each strategy. */
export async function startRouter(
  js: JetStream,
  agent: string,
  over: Partial<RouterDeps> & { readonly instances?: Instances } = {},
): Promise<TestRouter> {
  for (const strategy of STRATEGIES) await putService(js, strategy, agent, strategy);
  const rate = () => createRateLimit({ perSecond: 1e6, burst: 1e6, maxKeys: 16, now: () => performance.now() });
  const deps: RouterDeps = {
    services: js.services,
    instances: js.instances,
    outbox: js.outbox,
    idempotency: js.idempotency,
    states: js.runStates,
    facts: js.factLog,
    outputs: js.outputs,
    wakes: js.wakes,
    a2a: createA2aServer(),
    rate: { total: rate(), perService: rate() },
    authorized: (header, digest) => tokenMatches(bearerToken(header), digest),
    wakeMs: 30_000,
    now: Date.now,
    newId: randomUUID,
    random: Math.random,
    sleep,
    spans: apiSpans(),
    log: quiet,
    ...over,
  };
  const own = { namespace: NAMESPACE, name: OWN };
  const routes = routerRoutes(deps, { base: "/services/:namespace/:name" }, { base: "", service: own });
  const serving = await serve(createApp({ routes, ready: () => true, log: quiet }), { port: 0, host: "127.0.0.1" });
  return {
    post: (strategy, body, { way = "path", mode = "sync" } = {}) =>
      post(`${serving.url}${way === "own" ? "/" : `/services/${NAMESPACE}/${strategy}`}?mode=${mode}`, body),
    [Symbol.asyncDispose]: () => serving.stop(0),
  };
}

/** A router as a process of its own, at a service of the world's agent; it ends with the world. */
export async function spawnRouter({ js, spawn }: Pick<World, "js" | "spawn">) {
  await putService(js, "writing", AGENT, "round-robin");
  const router = await spawn("router", { ARK_NAMESPACE: NAMESPACE, ARK_SERVICE: "writing" });
  return {
    router,
    /** What the caller of `POST /task?mode=sync` is told. */
    ask: async (prompt: string) => {
      const response = await post(`${router.url}/task?mode=sync`, { prompt }, AbortSignal.timeout(PATIENCE_MS));
      return (await response.json()) as { readonly status?: string; readonly output?: string };
    },
  };
}

function putService(js: JetStream, name: string, agent: string, strategy: ServiceRecord["strategy"]): Promise<void> {
  return js.services.put({
    namespace: NAMESPACE,
    name,
    uid: `uid-of-${name}`,
    generation: 1,
    agent,
    strategy,
    protocols: ["HTTP", "A2A"],
    tokenDigest: tokenDigest(SERVICE_TOKEN),
  });
}

function post(url: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${SERVICE_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  });
}
