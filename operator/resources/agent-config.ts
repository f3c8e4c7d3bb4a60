/** The agent's file as the executor reads it (`ARK_AGENT_CONFIG`): its ArkAgent and the ArkSettings it names. */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkSettings } from "#core/api/v1alpha1/ark-settings.ts";
import type { ChildObject } from "#platform/kube/children.ts";
import { agentServiceName, LABELS, MANAGED, ownerOf } from "./names.ts";

export const AGENT_FILE = "agent.json";

export type ConfigMap = ChildObject & { readonly data: Readonly<Record<string, string>> };

/** Spec alone, without what is not the executor's: what changes in a status or a label starts no new revision. */
export function agentFile(agent: ArkAgent, settings: readonly ArkSettings[]): string {
  const { resources: _resources, autoscaling: _autoscaling, networkPolicy: _policy, ...spec } = agent.spec;
  return JSON.stringify({
    agent: { ...head(agent, { uid: agent.metadata.uid }), spec },
    settings: settings.map((one) => ({ ...head(one), spec: one.spec })),
  });
}

function head({ apiVersion, kind, metadata: { name, namespace } }: ArkAgent | ArkSettings, more?: object): object {
  return { apiVersion, kind, metadata: { name, namespace, ...more } };
}

export function agentConfigMap(agent: ArkAgent, file: string): ConfigMap {
  const key = nameOf(agent);
  return {
    metadata: {
      name: agentServiceName(key),
      namespace: key.namespace,
      labels: { ...MANAGED, [LABELS.agent]: key.name },
      ownerReferences: [ownerOf(agent)],
    },
    data: { [AGENT_FILE]: file },
  };
}
