/**
 * Names of streams, buckets and subjects (design 3). Every token is a DNS label, so it needs no escaping.
 */
import type { AttemptKey, Fact } from "./facts.ts";

export const STREAMS = {
  facts: "ARK_FACTS",
  timers: "ARK_TIMERS",
  tasks: "ARK_TASKS",
  events: "ARK_EVENTS",
  dlq: "ARK_DLQ",
} as const;
export const BUCKETS = {
  runs: "ark-runs",
  leases: "ark-leases",
  triggers: "ark-triggers",
  budgets: "ark-budgets",
  outputs: "ark-outputs",
  objects: "ark-objects",
  idempotency: "ark-idempotency",
  locks: "ark-locks",
  instances: "ark-instances",
} as const;

type RunName = { readonly namespace: string; readonly run: string };

/** Turns and step facts carry their attempt in the subject, so that direct reads, which permissions guard, find them. */
export function factSubject(of: RunName, fact: Fact): string {
  const head = `ark.facts.${of.namespace}.${of.run}`;
  switch (fact.kind) {
    case "run.requested":
    case "run.refused":
    case "run.cancel":
      return `${head}.run`;
    case "timer":
      return timerFactSubject(of);
    case "step.turn":
      return turnSubject(of, fact, fact.turn);
    case "step.started":
      return `${head}.step.${attemptTokens(fact)}.started`;
    case "step.finished":
      return finishedSubject(of, fact);
  }
}

export function turnSubject(of: RunName, key: AttemptKey, turn: number): string {
  return `ark.facts.${of.namespace}.${of.run}.turn.${attemptTokens(key)}.${turn}`;
}

export function finishedSubject(of: RunName, key: AttemptKey): string {
  return `ark.facts.${of.namespace}.${of.run}.step.${attemptTokens(key)}.finished`;
}

/** All facts of one run. */
export function runFactsFilter(of: RunName): string {
  return `ark.facts.${of.namespace}.${of.run}.>`;
}

/** A timer's subject is its identity: publishing there again replaces it, purging it cancels it. */
export function timerSubject(of: RunName, timer: string): string {
  return `ark.timers.${of.namespace}.${of.run}.${timer}`;
}

/** Where a timer fires: `ARK_FACTS` takes it from there. */
export function firedSubject(of: RunName): string {
  return `ark.fired.${of.namespace}.${of.run}`;
}

export function timerFactSubject(of: RunName): string {
  return `ark.facts.${of.namespace}.${of.run}.timer`;
}

export function taskSubject(namespace: string, agent: string): string {
  return `ark.tasks.${namespace}.${agent}`;
}

/** One durable consumer per agent. Labels have no `_`, so the name is unique. */
export function taskConsumer({ namespace, agent }: { readonly namespace: string; readonly agent: string }): string {
  return `${namespace}_${agent}`;
}

export function eventSubject(namespace: string, event: string): string {
  return `ark.events.${namespace}.${event}`;
}

export function dlqSubject(namespace: string, name: string): string {
  return `ark.dlq.${namespace}.${name}`;
}

/** A token longer, so that an ArkEvent and an agent of one name do not share their dead letters. */
export function deadTaskSubject(namespace: string, agent: string): string {
  return `${dlqSubject(namespace, agent)}.task`;
}

/** Tokens of model output while it streams: core NATS, not stored; watchers that miss some read the turn. */
export function tokensSubject(of: RunName): string {
  return `ark.tokens.${of.namespace}.${of.run}`;
}

/** Pools that are no agent's; no DNS label, so that no agent has their name. */
export const COLLECTOR_POOL = "-";
export const RELAY_POOL = "-relay";

/** Hint that a pool has work: an agent's, or one of the above. */
export function wakeSubject(namespace: string, agent: string): string {
  return `ark.wake.${namespace}.${agent}`;
}

/** Hint that an ArkEvent is about to fire. */
export function fireSubject(namespace: string, event: string): string {
  return `ark.fire.${namespace}.${event}`;
}

/** Where an instance takes tasks that another one pulled. Instances are DNS labels, as pods are. */
export function handSubject(
  { namespace, agent }: { readonly namespace: string; readonly agent: string },
  instance: string,
): string {
  return `ark.hand.${namespace}.${agent}.${instance}`;
}

function attemptTokens(key: AttemptKey): string {
  return `${key.step}.${key.iteration}.${key.attempt}`;
}
