/**
 * Takes the lease on a delivered attempt, or finds that there is nothing left to do.
 *
 * A holder that died keeps its lease until it runs out. Waiting for that here costs no delivery of the task, of which
 * there are only a few (Q1).
 */
import type { Task } from "#core/events/tasks.ts";
import type { Delivery, Lease } from "#core/ports/record.ts";
import type { ExecutorDeps } from "./deps.ts";
import { retrying } from "#core/ports/retrying.ts";

export type Taken =
  | { readonly kind: "taken"; readonly lease: Lease }
  /** The result is recorded already (X1). */
  | { readonly kind: "finished" }
  | { readonly kind: "revoked" }
  | { readonly kind: "given-up"; readonly reason: string };

const POLL_MS = 500;

type LeaseDeps = Pick<ExecutorDeps, "leases" | "sleep" | "random" | "log"> & {
  readonly facts: Pick<ExecutorDeps["facts"], "finished">;
};

export async function takeLease(delivery: Delivery<Task>, deps: LeaseDeps, signal: AbortSignal): Promise<Taken> {
  const task = delivery.value;
  for (;;) {
    const outcome = await retrying(
      () => tryOnce(task, deps),
      deps,
      signal,
      () => delivery.working(),
    );
    if (outcome.kind === "failed") {
      deps.log.error({ run: task.run, step: task.step, err: outcome.error }, "lease could not be taken");
      return { kind: "given-up", reason: "broke" };
    }
    if (outcome.kind === "stopped") return { kind: "given-up", reason: "stopped" };
    if (outcome.value !== "held") return outcome.value;
    delivery.working();
    await deps.sleep(POLL_MS, signal);
    if (signal.aborted) return { kind: "given-up", reason: "stopped" };
  }
}

async function tryOnce(task: Task, deps: LeaseDeps): Promise<Taken | "held"> {
  const taking = deps.leases.take(task, task);
  const both = Promise.all([taking, deps.facts.finished(task, task)]);
  const [lease, finished] = await both.catch(async (error: unknown) => {
    // It would stand in the way of the next try until it runs out.
    await taking.then(release).catch(() => undefined);
    throw error;
  });
  if (finished !== undefined && finished.uid === task.uid) {
    await release(lease);
    return { kind: "finished" };
  }
  if (lease === "revoked") return { kind: "revoked" };
  return lease === "held" ? "held" : { kind: "taken", lease };
}

async function release(lease: Lease | "held" | "revoked"): Promise<void> {
  if (typeof lease !== "string") await lease.release();
}
