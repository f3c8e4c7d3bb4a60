/**
 * How many worker slots each pool needs now (design 1, waker). Pure.
 *
 * W1  For pending and unacknowledged tasks: as many slots as the agent's bounds let wake, never more.
 * W2  A pool of no slots is let go: what its pods hold they finish (D8, replicas 0). Until then a slot that is open may
 *     still take a task: to a pod, a wake that was let go looks like one whose operator died, and then it must work on
 *     (P8). No request keeps the pod any more, so Knative ends it after its window, and its slots with it.
 * W3  An event in the outbox is about to be facts: the collector starts beside the dispatcher, not after it.
 * W4  A pool that a fire is about to need has one slot before there is work: it starts beside the others, not after
 *     them.
 */
import { type AgentScale, slotsFor } from "#core/reconcile/agent-scale.ts";

/** Keys of the pools that all share; no namespace stands before them. */
export const DISPATCHER = "dispatcher";
export const COLLECTOR = "collector";
const RELAY = "relay";

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
  readonly dispatcher: { readonly url: string };
  readonly collector: { readonly url: string; readonly slots: number };
  readonly relay: { readonly url: string };
};

/** `foreseen`: keys of pools (W4), from `foresee`. */
export function planWakes(
  agents: Iterable<AgentPool>,
  load: Load,
  foreseen: ReadonlySet<string>,
  shared: SharedPools,
): readonly PoolPlan[] {
  const waiting = new Map(load.tasks.map(({ namespace, agent, count }) => [`${namespace}/${agent}`, count]));
  const { dispatcher, collector, relay } = shared;
  const relays = Math.min(load.events, 1);
  const least = (key: string) => (foreseen.has(key) ? 1 : 0);
  const facts = Math.max(load.facts + load.dead, relays, least(COLLECTOR));
  return [
    ...[...agents].map(({ namespace, agent, url, scale }) => {
      const key = `${namespace}/${agent}`;
      return { key, url, want: Math.max(slotsFor(waiting.get(key) ?? 0, scale), least(key)) };
    }),
    // The Broker's requests are what wakes it otherwise.
    { key: DISPATCHER, url: dispatcher.url, want: least(DISPATCHER) },
    // Dead tasks wait for the reaper, which lives beside the collector.
    { key: COLLECTOR, url: collector.url, want: Math.min(facts, collector.slots) },
    // One relay posts everything.
    { key: RELAY, url: relay.url, want: relays },
  ];
}
