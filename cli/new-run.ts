/** ArkRuns that the command line makes by hand: new ones, and retries of old ones. */
import { createHash, randomBytes } from "node:crypto";
import type { ArkRun, ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { ArkError } from "#core/errors.ts";
import type { Cluster, Key } from "./cluster.ts";

export const RETRY_OF = "arkonis.dev/retry-of";
/** Comma-separated. */
export const RETRY_STEPS = "arkonis.dev/retry-steps";
/** Digests of the caller's key, and of what was asked for under it. */
const IDEMPOTENCY = "arkonis.dev/idempotency";
export const CANCEL = "arkonis.dev/cancel";
export const TEAM_LABEL = "arkonis.dev/team";

/** api 4, "Names": `{team}-run-{6}`. */
function runName(of: string): string {
  return `${of}-run-${randomBytes(3).toString("hex")}`;
}

export function newRun(
  namespace: string,
  spec: ArkRunSpec,
  annotations: Readonly<Record<string, string>> = {},
): ArkRun {
  const labels = spec.teamRef === undefined ? {} : { labels: { [TEAM_LABEL]: spec.teamRef } };
  const notes = Object.keys(annotations).length === 0 ? {} : { annotations: { ...annotations } };
  return {
    apiVersion: API_VERSION,
    kind: "ArkRun",
    metadata: { name: runName(spec.teamRef ?? spec.agent ?? "ark"), namespace, ...labels, ...notes },
    spec,
  };
}

/** Creates `run`; its name is random, so a taken one is tried once more under another. */
export async function createRun(cluster: Cluster, run: ArkRun): Promise<Key> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const named =
      attempt === 0 ? run : newRun(run.metadata.namespace ?? "default", run.spec, run.metadata.annotations ?? {});
    const outcome = await cluster.create("ArkRun", named);
    if (outcome.kind === "created") {
      const { metadata } = outcome.object;
      return { namespace: metadata.namespace ?? "default", name: metadata.name ?? "" };
    }
  }
  throw new ArkError("object.conflict", "three random run names were all taken", "Run the command again.");
}

export type Keyed = { readonly key: Key; readonly replayed: boolean };

/** The same `idempotencyKey` and `spec` are one run of `uid`'s object, as long as that run is there. */
export async function createKeyedRun(
  cluster: Cluster,
  namespace: string,
  spec: ArkRunSpec,
  { uid, idempotencyKey }: { readonly uid: string; readonly idempotencyKey: string },
): Promise<Keyed> {
  const keyDigest = digest(`${uid}\n${idempotencyKey}`);
  const mark = `${keyDigest}.${digest(JSON.stringify(spec))}`;
  const run = newRun(namespace, spec, { [IDEMPOTENCY]: mark });
  const name = `${spec.teamRef ?? spec.agent ?? "ark"}-run-${keyDigest.slice(0, 6)}`;
  const outcome = await cluster.create("ArkRun", { ...run, metadata: { ...run.metadata, name } });
  const key = { namespace, name };
  if (outcome.kind === "created") return { key, replayed: false };
  const stored = (await cluster.get("ArkRun", key))?.metadata.annotations?.[IDEMPOTENCY];
  if (stored === mark) return { key, replayed: true };
  throw stored?.startsWith(`${keyDigest}.`) === true
    ? new ArkError("usage", "this idempotency key was used with another input", `Take another key; see run ${name}.`)
    : new ArkError("object.conflict", `another run is called ${name}`, "Take another idempotency key.");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
