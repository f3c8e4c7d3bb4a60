/** Which team, agent or event a name on the command line means. */
import type { Kind } from "#core/api/objects.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { ArkError } from "#core/errors.ts";
import type { Cluster, Key } from "./cluster.ts";
import { kindOf } from "./kinds.ts";

export type Target =
  | { readonly kind: "team"; readonly team: ArkTeam }
  | { readonly kind: "agent"; readonly agent: ArkAgent }
  | { readonly kind: "event"; readonly event: ArkEvent };

/** `NAME` is looked for among teams, then agents, then events; `team/NAME`, `agent/NAME`, `event/NAME` ask for one. */
export async function findTarget(cluster: Cluster, namespace: string, text: string): Promise<Target> {
  const slash = text.indexOf("/");
  const wanted = slash < 0 ? undefined : kindOf(text.slice(0, slash));
  const key = { namespace, name: text.slice(slash + 1) };
  for (const look of LOOKUPS.filter(({ kind }) => wanted === undefined || wanted === kind)) {
    const found = await look.in(cluster, key);
    if (found !== undefined) return found;
  }
  throw new ArkError(
    "object.not_found",
    `there is no ${wanted ?? "team, agent or event"} ${key.name} in namespace ${namespace}`,
    `See what is there: ark get teams -n ${namespace}; ark get events -n ${namespace}`,
  );
}

type Lookup = { readonly kind: Kind; readonly in: (cluster: Cluster, key: Key) => Promise<Target | undefined> };

const LOOKUPS: readonly Lookup[] = [
  {
    kind: "ArkTeam",
    in: async (cluster, key) => {
      const team = await cluster.get("ArkTeam", key);
      return team && { kind: "team", team };
    },
  },
  {
    kind: "ArkAgent",
    in: async (cluster, key) => {
      const agent = await cluster.get("ArkAgent", key);
      return agent && { kind: "agent", agent };
    },
  },
  {
    kind: "ArkEvent",
    in: async (cluster, key) => {
      const event = await cluster.get("ArkEvent", key);
      return event && { kind: "event", event };
    },
  },
];
