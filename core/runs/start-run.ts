/**
 * Makes sure that a run exists and is announced.
 *
 * A1  Announced whether it was created now or stood there already: a crash between the two would leave a run that
 *     never starts (D32). Announcing twice is one fact (F1).
 * A2  An object of this name that another fire made is not this fire's run.
 * A3  A run that was started lately and has been let go since, by history limits or by hand, is not started again by a
 *     delivery that comes late (P1).
 */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { StepResult } from "#core/events/facts.ts";
import type { Starts } from "#core/ports/events.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { FactLog } from "#core/ports/record.ts";
import { ANNOTATIONS, requestOf } from "./run-object.ts";

export type Started =
  /** `known`: announced by an earlier delivery; it may have ended, and be gone. */
  { readonly kind: "started"; readonly created: boolean; readonly known: boolean } | { readonly kind: "taken" };

export type AnnounceDeps = {
  readonly facts: Pick<FactLog, "publish">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

export type StartDeps = AnnounceDeps & {
  readonly objects: Pick<Objects, "create">;
  readonly starts: Starts;
  /** Of each new ArkRun, where somebody is there who takes them away. */
  readonly finalizers?: readonly string[];
};

export async function startRun(run: ArkRun, deps: StartDeps): Promise<Started> {
  const { namespace = "", name = "" } = run.metadata;
  if (await deps.starts.has({ namespace, name })) return { kind: "started", created: false, known: true };
  const outcome = await deps.objects.create("ArkRun", held(run, deps.finalizers));
  if (outcome.kind === "exists" && originOf(outcome.object) !== originOf(run)) return { kind: "taken" };
  await announce(outcome.object, deps);
  await deps.starts.add({ namespace, name });
  return { kind: "started", created: outcome.kind === "created", known: false };
}

function held(run: ArkRun, finalizers: readonly string[] | undefined): ArkRun {
  return finalizers === undefined ? run : { ...run, metadata: { ...run.metadata, finalizers: [...finalizers] } };
}

function originOf({ metadata: { annotations = {} } }: ArkRun): string {
  return annotations[ANNOTATIONS.eventKey] ?? annotations[ANNOTATIONS.parent] ?? "";
}

export async function announce(
  run: ArkRun,
  deps: AnnounceDeps,
  carried?: Readonly<Record<string, StepResult>>,
): Promise<void> {
  const fact = requestOf(run, deps.now(), carried);
  await deps.facts.publish({ namespace: fact.namespace, run: fact.run, uid: fact.uid }, fact);
}
