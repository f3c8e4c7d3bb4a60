/**
 * The one way in which Triggers go: one after another.
 *
 * N1  Knative takes a Trigger's subscriber out of its channel by writing the whole list as it last saw it. Of two that
 *     go at once, one may stay for good and hold up every post to the Broker: the next Trigger goes once the
 *     Subscription of the one before, and any other that is going, is gone.
 * N2  Nobody waits in here: who comes too early is told so, and comes again.
 * N3  A Subscription that does not go holds the others up for `patienceMs` at most.
 */
import type { ChildObject, Children } from "#platform/kube/children.ts";
import type { Applier } from "./applier.ts";
import type { ObjectName } from "./resources/names.ts";
import type { ChildView } from "./state/views.ts";

export type TriggerLane = {
  /** Gone already is as good; another's object of this name stays. */
  remove(key: ObjectName, live: ChildView | undefined): Promise<"gone" | "later">;
};

export type TriggerLaneOptions = {
  readonly children: Pick<Children, "list">;
  readonly applier: Pick<Applier, "remove">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly patienceMs?: number;
};

/** The Trigger that went last. */
type Leaving = { readonly uid: string; readonly since: number };

const PATIENCE_MS = 60_000;

export function createTriggerLane({
  children,
  applier,
  now,
  patienceMs = PATIENCE_MS,
}: TriggerLaneOptions): TriggerLane {
  let last: Leaving | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const remove = async (key: ObjectName, live: ChildView): Promise<"gone" | "later"> => {
    const isFresh = (since: number) => now() - since < patienceMs;
    const holdsUp = ({ metadata }: ChildObject): boolean => {
      const { deletionTimestamp, ownerReferences = [] } = metadata;
      if (deletionTimestamp !== undefined) return isFresh(Date.parse(deletionTimestamp));
      return last !== undefined && isFresh(last.since) && ownerReferences.some((owner) => owner.uid === last?.uid);
    };
    const subscriptions = await children.list("Subscription", key.namespace);
    if (subscriptions.some(holdsUp)) return "later";
    last = { uid: live.uid, since: now() };
    await applier.remove("Trigger", key, live);
    return "gone";
  };
  return {
    remove(key, live) {
      if (live === undefined) return Promise.resolve("gone");
      const mine = turn.then(() => remove(key, live));
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}
