/** Starts what a fire is for: all targets side by side, none hindered by another (D2). */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { TriggerContext } from "#core/events/trigger-context.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import type { Origin } from "#core/runs/run-object.ts";
import { type Started, startRun } from "#core/runs/start-run.ts";
import type { DispatcherDeps } from "./deps.ts";
import { prepareTarget, type PreparedTarget } from "./targets.ts";

export type Begun = NotBegun | (Extract<Started, { kind: "started" }> & { readonly name: string });
export type NotBegun = Exclude<PreparedTarget, { kind: "ready" }>;

/** In the order of `runs`, the names of what is started. Rejects only while a store is away. */
export function beginTargets(
  event: ArkEvent,
  runs: readonly string[],
  trigger: TriggerContext,
  origin: Origin,
  deps: DispatcherDeps,
): Promise<readonly Begun[]> {
  return Promise.all(
    runs.map((name, index) =>
      unlessRefused(
        async () => begin(await prepareTarget(event, index, name, trigger, origin, deps), deps),
        (message) => ({ kind: "waiting", index, name, reason: "DispatchFailed", message }),
        deps,
      ),
    ),
  );
}

/** One that RBAC or an admission policy refuses leaves the others alone, and may pass. */
async function unlessRefused(
  work: () => Promise<Begun>,
  refused: (message: string) => Begun,
  { log }: DispatcherDeps,
): Promise<Begun> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    log.error({ err: error }, "run not started");
    return refused(error instanceof Error ? error.message : String(error));
  }
}

async function begin(target: PreparedTarget, deps: DispatcherDeps): Promise<Begun> {
  if (target.kind !== "ready") return target;
  const { name, index } = target;
  const started = await startRun(target.run, deps);
  if (started.kind === "started") return { ...started, name };
  return { kind: "refused", index, name, reason: "NameTaken", message: `another run is called ${name}` };
}
