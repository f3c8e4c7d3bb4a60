/** A namespace of a figure's own, with what it needs of Ark; gone at its end, its runs and events before it. */
import type { ArkAgentSpec } from "#core/api/v1alpha1/ark-agent.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import {
  apply,
  ARK,
  asleep,
  isReady,
  kubectl,
  type Manifest,
  until,
  type Watched,
} from "../../test/e2e/harness/cluster.ts";
import { MODEL } from "../../test/e2e/harness/names.ts";

export type Place = AsyncDisposable & {
  readonly namespace: string;
  object(kind: string, name: string, spec: unknown): Manifest;
  agent(name: string, spec?: Partial<ArkAgentSpec>): Promise<void>;
  /** One step per prompt, in a row, all by one agent. */
  team(name: string, agent: string, prompts: readonly string[]): Promise<void>;
  /** A webhook event that starts `team`; resolves once it can be fired. */
  webhook(name: string, team: string): Promise<Door>;
};

export type Door = { fire(body: unknown, query?: string): Promise<Fired> };
export type Fired = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

const FIRE_MS = 180_000;
/** Thousands of runs are cancelled and purged one by one, Triggers go one after another. */
const GOING = "--timeout=1200s";

export async function openPlace(name: string): Promise<Place> {
  // A namespace is long in going, so that of an earlier run may still be there.
  const namespace = `bench-${name}-${Date.now().toString(36)}`;
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "ark-api-keys", namespace },
      stringData: { OPENAI_BASE_URL: MODEL.url, OPENAI_API_KEY: "sk-bench" },
    },
  );
  const ark = `${ARK}/namespaces/${namespace}`;
  const object: Place["object"] = (kind, called, spec) => ({
    apiVersion: API_VERSION,
    kind,
    metadata: { name: called, namespace },
    spec,
  });
  return {
    namespace,
    object,
    agent: async (called, spec = {}) => {
      await apply(object("ArkAgent", called, { model: "scripted", systemPrompt: "You write.", ...spec }));
      await until(`${ark}/arkagents`, called, isReady);
    },
    team: async (called, agent, prompts) => {
      const pipeline = prompts.map((prompt, n) => ({
        role: "writer",
        name: stepName(n),
        inputs: { prompt },
        ...(n > 0 && { dependsOn: [stepName(n - 1)] }),
      }));
      const kept = { successfulRunsHistoryLimit: 1_000_000, failedRunsHistoryLimit: 1_000_000 };
      await apply(object("ArkTeam", called, { roles: [{ name: "writer", arkAgent: agent }], pipeline, ...kept }));
      await until(`${ark}/arkteams`, called, isReady);
    },
    webhook: async (called, team) => {
      const input = { topic: "{{ .trigger.body.topic }}" };
      await apply(object("ArkEvent", called, { source: { type: "webhook" }, targets: [{ team, input }] }));
      await until(`${ark}/arkevents`, called, isReady);
      return door(namespace, called);
    },
    [Symbol.asyncDispose]: async () => {
      for (const kind of ["arkevents", "arkservices", "arkteams", "arkruns", "arkagents", "ksvc"])
        await kubectl("delete", kind, "--all", "-n", namespace, GOING);
      // A namespace that is deleted looks again after half the grace of its slowest pod: the pods go first.
      await asleep(namespace);
      await kubectl("delete", "namespace", namespace, GOING);
    },
  };
}

export const stepName = (n: number): string => `s${n}`;

async function door(namespace: string, name: string): Promise<Door> {
  const hasUrl = ({ status }: Watched): boolean => Boolean(status?.["webhookURL"]);
  const event = await until<Watched>(`${ARK}/namespaces/${namespace}/arkevents`, name, hasUrl);
  const url = String(event.status?.["webhookURL"]);
  const words = ["get", "secret", `${name}-webhook-token`, "-n", namespace, "-o", "jsonpath={.data.token}"];
  const token = Buffer.from(await kubectl(...words), "base64").toString();
  return {
    fire: async (body, query = "") => {
      const response = await fetch(`${url}${query}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(FIRE_MS),
      });
      return { status: response.status, body: (await response.json()) as Fired["body"] };
    },
  };
}
