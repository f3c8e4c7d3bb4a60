/**
 * What belongs to no Ark object: the Broker, where it is the operator's, the Trigger of nested teams' requests, and the
 * events of runs in Knative's catalogue.
 */
import { nameOf } from "#core/api/object-key.ts";
import type { ChildObject, ResourceName } from "#platform/kube/children.ts";
import { againAndAgain } from "./again.ts";
import type { Deps } from "./deps.ts";
import { broker } from "./resources/broker.ts";
import { eventTypes } from "./resources/event-types.ts";
import { runRequestsTrigger } from "./resources/trigger.ts";
import { childView } from "./state/views.ts";

type SharedDeps = Pick<Deps, "applier" | "children" | "config" | "log" | "triggerLane">;

const EVERY_MS = 10_000;

/** Until `signal`: what is deleted or changed comes back. Never rejects. */
export function keepShared(deps: SharedDeps, signal: AbortSignal): Promise<void> {
  const { config, log } = deps;
  const made = broker(config);
  const shared: (readonly [ResourceName, ChildObject])[] = [
    ...(made === undefined ? [] : [["Broker", made] as const]),
    ["Trigger", runRequestsTrigger(config)],
    ...eventTypes(config).map((one) => ["EventType", one] as const),
  ];
  const told = new Set<string>();
  const keepAll = async () => {
    for (const [name, object] of shared) await keep(name, object, told, deps);
  };
  return againAndAgain(keepAll, { everyMs: EVERY_MS, failed: "shared objects not written", log }, signal);
}

/** `told`: what has been said of it, for it stays refused until somebody acts. */
async function keep(
  name: ResourceName,
  object: ChildObject,
  told: Set<string>,
  { applier, children, log, triggerLane }: SharedDeps,
): Promise<void> {
  const stored = await children.get(name, nameOf(object));
  const live = stored === undefined ? undefined : childView(stored);
  const outcome =
    name === "Trigger" ? await triggerLane.ensure(object, live) : await applier.ensure(name, object, live);
  if (outcome === "later" || outcome.kind !== "refused") return;
  const reason = outcome.message;
  if (told.has(`${name}: ${reason}`)) return;
  told.add(`${name}: ${reason}`);
  log.warn({ kind: name, reason }, "shared object refused");
}
