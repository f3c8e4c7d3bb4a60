/**
 * How many worker slots each pool needs now (design 1, waker). Pure.
 *
 * W1  For pending and unacknowledged tasks: as many slots as the agent's bounds let wake, never more.
 * W2  A pool of no slots is let go: what its pods hold they finish (D8, replicas 0). Until then a slot that is open may
 *     still take a task: to a pod, a wake that was let go looks like one whose operator died, and then it must work on
 *     (P8). No request keeps the pod any more, so Knative ends it after its window, and its slots with it.
 * W3  An event in the outbox is about to be facts: the collector starts beside the dispatcher, not after it.
 */
import { type AgentScale, slotsFor } from "#core/reconcile/agent-scale.ts";

export type PoolPlan = {
  readonly key: string;
  /** Of `POST /wake`. */
  readonly url: string;
  readonly want: number;
};

export type AgentPool = {
  readonly namespace: string;
  readonly agent: string;
  readonly url: string;
  readonly scale: AgentScale;
};

export type Load = {
  readonly tasks: readonly { readonly namespace: string; readonly agent: string; readonly count: number }[];
  readonly facts: number;
  readonly events: number;
  readonly dead: number;
};

export type SharedPools = {
  readonly collector: { readonly url: string; readonly slots: number };
  readonly relay: { readonly url: string };
};

export function planWakes(agents: Iterable<AgentPool>, load: Load, shared: SharedPools): readonly PoolPlan[] {
  const waiting = new Map(load.tasks.map(({ namespace, agent, count }) => [`${namespace}/${agent}`, count]));
  const { collector, relay } = shared;
  const relays = Math.min(load.events, 1);
  return [
    ...[...agents].map(({ namespace, agent, url, scale }) => {
      const key = `${namespace}/${agent}`;
      return { key, url, want: slotsFor(waiting.get(key) ?? 0, scale) };
    }),
    // Dead tasks wait for the reaper, which lives beside the collector.
    { key: "collector", url: collector.url, want: Math.min(Math.max(load.facts + load.dead, relays), collector.slots) },
    // One relay posts everything.
    { key: "relay", url: relay.url, want: relays },
  ];
}
