/** ArkRuns that the command line makes by hand: new ones, and retries of old ones. */
import { randomBytes } from "node:crypto";
import type { ArkRun, ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { ArkError } from "#core/errors.ts";
import type { Cluster, Key } from "./cluster.ts";

export const RETRY_OF = "arkonis.dev/retry-of";
/** Comma-separated. */
export const RETRY_STEPS = "arkonis.dev/retry-steps";
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
