/**
 * A cluster that is there already, by KUBECONFIG: what users do goes through kubectl, what tests wait for through
 * watches. The addresses of its Services must be reachable from where the tests run.
 */
import { spawn } from "node:child_process";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { openKube, type Kube } from "#platform/kube/client.ts";
import { type KubeObject, watchObjects } from "#platform/kube/watch.ts";

export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
};

export type Watched = KubeObject & {
  readonly metadata: {
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
};

/** A cold start on two busy cores, twice over. */
const PATIENCE_MS = 180_000;

let known: Kube | undefined;
export const kube = (): Kube => (known ??= openKube());

export type Said = { readonly code: number; readonly out: string; readonly err: string };

export function run(command: string, args: readonly string[], input = ""): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, out, err }));
    child.stdin.end(input);
  });
}

/** What it prints; throws with its words when it fails. */
export async function kubectl(...words: string[]): Promise<string> {
  const said = await run("kubectl", words);
  if (said.code !== 0) throw new Error(`kubectl ${words.join(" ")}: ${said.err}${said.out}`);
  return said.out;
}

export async function apply(...objects: readonly Manifest[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const said = await run("kubectl", ["apply", "-f", "-"], list);
  if (said.code !== 0) throw new Error(`kubectl apply: ${said.err}`);
}

/** The object once `is` holds of it; waits for it to appear as well. */
export async function until<T extends Watched>(
  path: string,
  name: string,
  is: (object: T) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(patienceMs)]);
  let last: T | undefined;
  const fieldSelector = `metadata.name=${name}`;
  for await (const { type, object } of watchObjects<T>(kube(), path, { fieldSelector, signal })) {
    if (type === "deleted") continue;
    last = object;
    if (!is(object)) continue;
    stop.abort();
    return object;
  }
  throw new Error(`${path}/${name} did not come to that in ${patienceMs} ms: ${JSON.stringify(last, undefined, 1)}`);
}

/** The objects of a path once `are` holds of all of them together. */
export async function untilAll<T extends Watched>(
  path: string,
  labelSelector: string,
  are: (objects: readonly T[]) => boolean,
  patienceMs = PATIENCE_MS,
): Promise<readonly T[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(patienceMs)]);
  const present = new Map<string, T>();
  const state = { synced: false, done: false };
  const look = (): void => {
    if (!state.synced || !are([...present.values()])) return;
    state.done = true;
    stop.abort();
  };
  const onSynced = (): void => {
    state.synced = true;
    look();
  };
  const selector = labelSelector === "" ? {} : { labelSelector };
  for await (const { type, object } of watchObjects<T>(kube(), path, { ...selector, signal, onSynced })) {
    const { namespace = "", name = "" } = object.metadata;
    if (type === "deleted") present.delete(`${namespace}/${name}`);
    else present.set(`${namespace}/${name}`, object);
    look();
    if (state.done) break;
  }
  if (state.done) return [...present.values()];
  const names = [...present.values()].map(({ metadata, status }) => [metadata.name, status?.["phase"]]);
  throw new Error(`${path}?${labelSelector} did not come to that in ${patienceMs} ms: ${JSON.stringify(names)}`);
}

export function conditionOf(object: Watched, type: string): { status: string; reason?: string } | undefined {
  const conditions = object.status?.["conditions"] as { type: string; status: string; reason?: string }[] | undefined;
  return conditions?.find((condition) => condition.type === type);
}

export const isReady = (object: Watched): boolean => {
  const observed = object.status?.["observedGeneration"];
  const seen = observed === undefined || observed === object.metadata.generation;
  return seen && conditionOf(object, "Ready")?.status === "True";
};

export const ARK = "/apis/arkonis.dev/v1alpha1";

/** No pod of a function is left in these namespaces. */
export async function asleep(...namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await untilAll(path, "serving.knative.dev/service", (pods) => pods.length === 0, 300_000);
  }
}

export type RunObject = ArkRun & Watched;

export const hasEnded = ({ status }: Pick<ArkRun, "status">): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed";
