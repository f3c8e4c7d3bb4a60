/** What belongs to no Ark object: the Broker, where it is the operator's, and the Trigger of nested teams' requests. */
import { setTimeout as delay } from "node:timers/promises";
import type { ChildObject, ResourceName } from "#platform/kube/children.ts";
import type { Deps } from "./deps.ts";
import { broker } from "./resources/broker.ts";
import { nameOf } from "./resources/names.ts";
import { runRequestsTrigger } from "./resources/trigger.ts";
import { childView } from "./state/views.ts";

const EVERY_MS = 10_000;

/** Until `signal`: what is deleted or changed comes back. Never rejects. */
export async function keepShared(deps: Deps, signal: AbortSignal): Promise<void> {
  const { config, log } = deps;
  const made = broker(config);
  while (!signal.aborted) {
    try {
      if (made !== undefined) await keep("Broker", made, deps);
      await keep("Trigger", runRequestsTrigger(config), deps);
    } catch (error) {
      log.warn({ err: error }, "shared objects not written");
    }
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function keep(name: ResourceName, object: ChildObject, { applier, children, log }: Deps): Promise<void> {
  const live = await children.get(name, nameOf(object));
  const outcome = await applier.ensure(name, object, live === undefined ? undefined : childView(live));
  if (outcome.kind === "refused") log.warn({ kind: name, reason: outcome.message }, "shared object refused");
}
