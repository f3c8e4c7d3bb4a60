/**
 * The wakes of this process, over the terms in which it leads.
 *
 * V1  A term that ends stops no wakes: while the API server is away nobody can lead, and runs go on (P8). The next term
 *     of this process takes them over as they are.
 * V2  They end when another replica is seen to lead. Two that wake at once are no harm: a slot too many finds no work.
 */
import { wake, type WakerDeps } from "./waker.ts";

/** What a term knows: whom to wake for which load. */
export type WakePlan = Pick<WakerDeps, "plan" | "onLoad">;

export type Waking = {
  /** V1. */
  use(plan: WakePlan): void;
  /** V2. */
  letGo(): void;
  /** Resolves when no wake is open, after `signal`. */
  ended(): Promise<void>;
};

export function createWaking(deps: Omit<WakerDeps, keyof WakePlan>, signal: AbortSignal): Waking {
  let current: { plan: WakePlan; readonly stop: AbortController } | undefined;
  const open = new Set<Promise<void>>();
  const begin = (first: WakePlan): void => {
    const mine = { plan: first, stop: new AbortController() };
    current = mine;
    const plan: WakerDeps["plan"] = (load, fires) => mine.plan.plan(load, fires);
    const onLoad: WakerDeps["onLoad"] = (load) => mine.plan.onLoad(load);
    const waking: Promise<void> = wake({ ...deps, plan, onLoad }, AbortSignal.any([signal, mine.stop.signal])).finally(
      () => open.delete(waking),
    );
    open.add(waking);
  };
  return {
    use(plan) {
      if (signal.aborted) return;
      if (current === undefined) begin(plan);
      else current.plan = plan;
    },
    letGo() {
      current?.stop.abort();
      current = undefined;
    },
    ended: async () => void (await Promise.all(open)),
  };
}
