/** What `planWakes` asks, answered from what a term knows now. */
import { nameOf } from "#core/api/object-key.ts";
import type { FireHint } from "#core/ports/record.ts";
import { agentScale } from "#core/reconcile/agent-scale.ts";
import type { Deps } from "../deps.ts";
import { agentServiceName, serviceUrl } from "../resources/names.ts";
import { foresee } from "./foresee.ts";
import type { AgentPool } from "./plan.ts";

type Known = Pick<Deps, "config" | "informers">;

/** W4. */
export function foreseenIn(fires: readonly FireHint[], { informers }: Known): ReadonlySet<string> {
  return new Set(
    fires.flatMap(({ namespace, event }) => {
      const found = informers.events.get(`${namespace}/${event}`);
      return found === undefined ? [] : foresee(found, (team) => informers.teams.get(`${namespace}/${team}`));
    }),
  );
}

/** W2: an agent of no replicas has no pool. */
export function* poolsOf({ informers, config }: Known): Generator<AgentPool> {
  for (const agent of informers.agents.values()) {
    const { namespace, name } = nameOf(agent);
    const service = agentServiceName({ namespace, name });
    const known = informers.services.get(`${namespace}/${service}`);
    if (known === undefined || agent.spec.replicas === 0) continue;
    const url = known.url ?? serviceUrl(service, namespace, config);
    yield { namespace, agent: name, url, scale: agentScale(agent.spec) };
  }
}
