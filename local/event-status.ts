/**
 * The one writer of ArkEvent statuses: what reconciling says, and how often the event fired (D35). Writes follow one
 * another, each on what is stored.
 *
 * Z1  A fire counts when it made a run that was not there: delivered again, it counts nothing more.
 */
import type { ArkEvent, ArkEventStatus } from "#core/api/v1alpha1/ark-event.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Objects } from "#core/ports/objects.ts";
import { time } from "#core/reconcile/conditions.ts";
import type { FireRecord } from "../functions/dispatcher/deps.ts";
import { writeStatusIfChanged } from "./changes.ts";

export class EventStatuses {
  readonly #objects: Objects;
  readonly #log: Logger;
  #last: Promise<void> = Promise.resolve();

  constructor(objects: Objects, log: Logger) {
    this.#objects = objects;
    this.#log = log;
  }

  /** `status` is worked out anew from what is stored at its turn. */
  refresh(event: ArkEvent, status: (stored: ArkEvent) => ArkEventStatus): Promise<void> {
    return this.#inTurn(event.metadata.namespace ?? "default", event.metadata.name ?? "", event.metadata.uid, status);
  }

  record(fire: FireRecord): Promise<void> {
    const { namespace, event, outcome, reason, message } = fire;
    if (outcome !== "fired") this.#log.warn({ namespace, event, outcome, reason, detail: message }, "event not fired");
    return fire.created === 0
      ? Promise.resolve()
      : this.#inTurn(namespace, event, fire.uid, (one) => counted(one, fire));
  }

  #inTurn(
    namespace: string,
    name: string,
    uid: string | undefined,
    status: (stored: ArkEvent) => ArkEventStatus,
  ): Promise<void> {
    const write = async () => {
      const stored = await this.#objects.get("ArkEvent", { namespace, name });
      if (stored === undefined || stored.metadata.uid !== uid) return;
      await writeStatusIfChanged(this.#objects, "ArkEvent", stored, status(stored));
    };
    const done = this.#last.then(write);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Z1. */
function counted({ status = {} }: ArkEvent, fire: FireRecord): ArkEventStatus {
  const { firedCount = 0, lastFiredAt = "" } = status;
  const firedAt = time(fire.firedAt);
  return { ...status, firedCount: firedCount + 1, lastFiredAt: lastFiredAt > firedAt ? lastFiredAt : firedAt };
}
