/**
 * The executors of one machine: a pool for each agent, over the same handler that a cluster's function runs.
 *
 * J1  A pool is as large as all instances that a cluster would let the agent have. One slot of each pool is always there; the others come with a hint and go when idle. A lost hint costs time alone.
 * J2  A changed agent is in effect from its next task on; tasks in hand end as they began.
 * J3  After `stop` no pool is ever made again, whatever a late pass over the objects still finds.
 */
import type { Logger } from "#core/ports/log.ts";
import type { AgentRuntime, ExecutorDeps } from "../functions/executor/deps.ts";
import { createProbe } from "../functions/executor/probe.ts";
import { handleTask } from "../functions/executor/handler.ts";
import { createPool, type Pool } from "../functions/executor/slots.ts";
import type { Task } from "#core/events/tasks.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import type { Instance, Instances, Pool as PoolName } from "#core/ports/services.ts";
import { agentScale } from "#core/reconcile/agent-scale.ts";
import type { AgentState } from "./world.ts";

export type ExecutorsDeps = Omit<ExecutorDeps, "runtime"> & {
  readonly runtime: (agent: ResolvedAgent) => Promise<AgentRuntime>;
  readonly hints: (signal: AbortSignal) => AsyncIterable<{ readonly namespace: string; readonly agent: string }>;
  readonly log: Logger;
};

const IDLE_MS = 5_000;

type Wanted = { readonly agent: ResolvedAgent; readonly slots: number };

type Running = {
  readonly pool: Pool<Task>;
  readonly slots: number;
  /** J2. */
  readonly inEffect: { agent: ResolvedAgent };
  readonly workers: Workers;
  readonly stop: AbortController;
};

export class Executors implements Instances {
  readonly #deps: ExecutorsDeps;
  readonly #pools = new Map<string, Running>();
  readonly #ending = new Set<Promise<void>>();
  /** Work in hand after the grace of a stop. */
  readonly #hard: AbortSignal;
  #stopped = false;

  constructor(deps: ExecutorsDeps, hard: AbortSignal) {
    this.#deps = deps;
    this.#hard = hard;
  }

  use(agents: ReadonlyMap<string, AgentState>): void {
    if (this.#stopped) return;
    const wanted = new Map<string, Wanted>();
    for (const [key, { agent, resolution }] of agents) {
      const { slots, most } = agentScale(agent.spec);
      if (resolution.kind === "resolved" && most > 0) wanted.set(key, { agent: resolution.agent, slots: slots * most });
    }
    for (const [key, running] of this.#pools) {
      const next = wanted.get(key);
      // A pool is made for its size; all else may change under it (J2).
      if (next !== undefined && next.slots === running.slots) {
        running.inEffect.agent = next.agent;
        wanted.delete(key);
      } else this.#retire(key, running);
    }
    for (const [key, one] of wanted) this.#pools.set(key, this.#start(one));
  }

  /** Of an agent there is one instance here: this process. */
  async list({ namespace, agent }: PoolName): Promise<readonly Instance[]> {
    const pool = this.#pools.get(`${namespace}/${agent}`)?.pool;
    if (pool === undefined) return [];
    const { busy: active, max, ready } = pool;
    return [{ instance: this.#deps.instance, active, max, ready }];
  }

  /** Hands hints to the pools until `signal`. */
  async follow(signal: AbortSignal): Promise<void> {
    for await (const { namespace, agent } of this.#deps.hints(signal)) {
      const running = this.#pools.get(`${namespace}/${agent}`);
      if (running !== undefined) running.workers.open();
    }
  }

  /** Takes no more tasks; resolves when those in hand have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const [key, running] of this.#pools) this.#retire(key, running);
    await Promise.all(this.#ending);
  }

  #retire(key: string, running: Running): void {
    this.#pools.delete(key);
    running.stop.abort();
    this.#ending.add(running.workers.done);
    void running.workers.done.then(() => this.#ending.delete(running.workers.done));
  }

  #start({ agent, slots }: Wanted): Running {
    const { runtime, hints: _hints, ...deps } = this.#deps;
    const stop = new AbortController();
    const inEffect = { agent };
    const current = () => inEffect.agent;
    const executor: ExecutorDeps = { ...deps, runtime: () => runtime(current()) };
    const probe = createProbe(executor, current);
    const pool = createPool({
      max: slots,
      idleMs: IDLE_MS,
      next: (expiresMs, signal) =>
        deps.tasks.next({ namespace: agent.namespace, agent: agent.name }, expiresMs, signal),
      handle: (delivery) => handleTask(delivery, executor, this.#hard),
      ready: (signal) => probe.ready(signal),
      now: deps.now,
      random: deps.random,
      sleep: deps.sleep,
      stop: stop.signal,
    });
    return { inEffect, slots, pool, stop, workers: new Workers(pool, stop.signal) };
  }
}

/** J1. */
class Workers {
  readonly #pool: Pool<Task>;
  readonly #stop: AbortSignal;
  readonly #slots = new Set<Promise<void>>();
  /** Resolves after the stop, once no slot holds a task. */
  readonly done: Promise<void>;

  constructor(pool: Pool<Task>, stop: AbortSignal) {
    this.#pool = pool;
    this.#stop = stop;
    this.done = this.#keepOneWaiting();
  }

  /** One more slot, unless all are there. */
  open(): void {
    const slot = this.#pool.slot();
    this.#slots.add(slot);
    void slot.finally(() => this.#slots.delete(slot));
  }

  async #keepOneWaiting(): Promise<void> {
    while (!this.#stop.aborted) {
      if (this.#slots.size === 0) this.open();
      await Promise.race(this.#slots);
    }
    await Promise.all(this.#slots);
  }
}
