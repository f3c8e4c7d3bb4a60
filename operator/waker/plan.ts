/**
 * How many worker slots each pool needs now (design 1, waker). Pure.
 *
 * W1  `min(pending + unacknowledged, slots)`, never more.
 * W2  A pool of no slots is let go: what its pods hold they finish (D8, replicas 0).
 */
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
  /** Slots of a pod times the most pods. */
  readonly slots: number;
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
  return [
    ...[...agents].map(({ namespace, agent, url, slots }) => {
      const key = `${namespace}/${agent}`;
      return { key, url, want: Math.min(waiting.get(key) ?? 0, slots) };
    }),
    // Dead tasks wait for the reaper, which lives beside the collector.
    { key: "collector", url: collector.url, want: Math.min(load.facts + load.dead, collector.slots) },
    // One relay posts everything.
    { key: "relay", url: relay.url, want: Math.min(load.events, 1) },
  ];
}
