/** A router in one line, over real HTTP: `await using router = await startRouter(js, agent);` */
import { STRATEGIES } from "#core/api/v1alpha1/ark-service.ts";
import type { ServiceRecord } from "#core/ports/services.ts";
import { createApp } from "#platform/http/app.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve } from "#platform/http/server.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { apiSpans } from "#platform/telemetry/tracing.ts";
import type { RouterDeps } from "../../functions/router/deps.ts";
import { routerRoutes } from "../../functions/router/handler.ts";
import { routerDeps } from "../../local/doors.ts";
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
export async function startRouter(js: JetStream, agent: string, over: Partial<RouterDeps> = {}): Promise<TestRouter> {
  for (const strategy of STRATEGIES) await putService(js, strategy, agent, strategy);
  const rate = () => createRateLimit({ perSecond: 1e6, burst: 1e6, maxKeys: 16, now: () => performance.now() });
  const deps: RouterDeps = {
    ...routerDeps(js, js.instances, { spans: apiSpans() }, quiet),
    rate: { total: rate(), perService: rate() },
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
