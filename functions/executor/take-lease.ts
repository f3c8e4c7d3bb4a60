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

export async function takeLease(delivery: Delivery<Task>, deps: ExecutorDeps, signal: AbortSignal): Promise<Taken> {
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

async function tryOnce(task: Task, deps: ExecutorDeps): Promise<Taken | "held"> {
  const [lease, finished] = await Promise.all([deps.leases.take(task, task), deps.facts.finished(task, task)]);
  if (finished !== undefined && finished.uid === task.uid) {
    if (typeof lease !== "string") await lease.release();
    return { kind: "finished" };
  }
  if (lease === "revoked") return { kind: "revoked" };
  return lease === "held" ? "held" : { kind: "taken", lease };
}
