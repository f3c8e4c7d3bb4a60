/** A namespace of its own for one feature: the restricted standard, the providers' keys; balanced, then gone at its end. */
import type { ArkAgentSpec } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkTeamSpec } from "#core/api/v1alpha1/ark-team.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import * as z from "zod";
import { apply, ARK, hasEnded, isReady, kubectl, type RunObject, until, untilAll, type Watched } from "./cluster.ts";
import { openLedger, type Ledger } from "./ledger.ts";
import { FEATURE_LABEL, MODEL, PLANTED_KEY } from "./names.ts";

export type Feature = AsyncDisposable & {
  readonly namespace: string;
  agent(name: string, spec?: Partial<ArkAgentSpec>): Promise<void>;
  /** One step per prompt, in a row, all by one agent. */
  team(name: string, agent: string, prompts: readonly string[], spec?: Partial<ArkTeamSpec>): Promise<void>;
  /** A webhook event; resolves once it can be fired. */
  webhook(name: string, spec: Readonly<Record<string, unknown>>): Promise<Door>;
  event(name: string, spec: Readonly<Record<string, unknown>>): Promise<void>;
  /** The one run of an event once there is one. */
  run(name: string, is?: (run: RunObject) => boolean): Promise<RunObject>;
  runs(are: (runs: readonly RunObject[]) => boolean): Promise<readonly RunObject[]>;
};

export type Door = {
  readonly url: string;
  readonly token: string;
  fire(body: unknown, options?: FireOptions): Promise<Fired>;
};
export type FireOptions = {
  readonly query?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
};
export type Fired = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
};

const FIRE_MS = 180_000;

export async function openFeature(name: string): Promise<Feature> {
  // A namespace is long in going, so that of an earlier run may still be there.
  const namespace = `e2e-${name}-${Date.now().toString(36)}`;
  const labels = { "pod-security.kubernetes.io/enforce": "restricted", [FEATURE_LABEL]: "true" };
  await apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "ark-api-keys", namespace },
      // A lease that is short, so that what a killed executor held comes again soon.
      stringData: { OPENAI_BASE_URL: MODEL.url, OPENAI_API_KEY: PLANTED_KEY, ARK_LEASE_SECONDS: "15" },
    },
  );
  const ark = `${ARK}/namespaces/${namespace}`;
  const ledger = openLedger();
  const object = (kind: string, called: string, spec: unknown) => ({
    apiVersion: API_VERSION,
    kind,
    metadata: { name: called, namespace },
    spec,
  });
  const event: Feature["event"] = async (called, spec) => {
    await apply(object("ArkEvent", called, spec));
    await until(`${ark}/arkevents`, called, isReady);
  };
  return {
    namespace,
    agent: async (called, spec = {}) => {
      await apply(object("ArkAgent", called, { model: "scripted", systemPrompt: "You write.", ...spec }));
      await until(`${ark}/arkagents`, called, isReady);
    },
    team: async (called, agent, prompts, spec = {}) => {
      const pipeline = prompts.map((prompt, index) => ({
        role: "writer",
        name: `step-${index}`,
        inputs: { prompt },
        ...(index > 0 && { dependsOn: [`step-${index - 1}`] }),
      }));
      const kept = { successfulRunsHistoryLimit: 100, failedRunsHistoryLimit: 100 };
      await apply(
        object("ArkTeam", called, { roles: [{ name: "writer", arkAgent: agent }], pipeline, ...kept, ...spec }),
      );
      await until(`${ark}/arkteams`, called, isReady);
    },
    event,
    webhook: async (called, spec) => {
      await event(called, { source: { type: "webhook" }, ...spec });
      if (spec["concurrencyPolicy"] === "Forbid") ledger.maySkip(called);
      return door(namespace, called, ledger);
    },
    run: (called, is = hasEnded) => until<RunObject>(`${ark}/arkruns`, called, is),
    runs: (are) => untilAll<RunObject>(`${ark}/arkruns`, "", are),
    [Symbol.asyncDispose]: async () => {
      const every = "arkevents,arkservices,arkteams,arkruns,arkagents";
      try {
        const areThere = (runs: readonly RunObject[]): boolean => {
          const names = new Set(runs.map(({ metadata }) => metadata.name));
          return ledger.due().every((name) => names.has(name));
        };
        await ledger.balance(await untilAll<RunObject>(`${ark}/arkruns`, "", areThere));
      } finally {
        await kubectl("delete", every, "--all", "-n", namespace, "--timeout=180s");
        await kubectl("delete", "namespace", namespace, "--wait=false");
      }
    },
  };
}

async function door(namespace: string, name: string, ledger: Ledger): Promise<Door> {
  const event = await until<Watched>(`${ARK}/namespaces/${namespace}/arkevents`, name, ({ status }) =>
    Boolean(status?.["webhookURL"]),
  );
  const url = String(event.status?.["webhookURL"]);
  const words = ["get", "secret", `${name}-webhook-token`, "-n", namespace, "-o", "jsonpath={.data.token}"];
  const token = Buffer.from(await kubectl(...words), "base64").toString();
  return {
    url,
    token,
    fire: async (body, options = {}) => {
      const response = await fetch(`${url}${options.query ?? ""}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${options.token ?? token}`,
          "content-type": "application/json",
          ...options.headers,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(FIRE_MS),
      });
      const text = await response.text();
      const told = z.record(z.string(), z.unknown()).parse(text === "" ? {} : JSON.parse(text));
      ledger.accepted(name, namesOf(told));
      return { status: response.status, headers: response.headers, body: told };
    },
  };
}

/** Of an answer at once, of one or several runs that ended, or of a run whose caller's patience ended first. */
function namesOf({ runs, runName }: Fired["body"]): readonly string[] {
  if (typeof runName === "string") return [runName];
  if (!Array.isArray(runs)) return [];
  return runs.flatMap((run: unknown) => (typeof run === "string" ? [run] : namesOf(run as Fired["body"])));
}
