/**
 * The one way in which Triggers come and go: none comes or goes while another one goes.
 *
 * N1  Knative takes a Trigger's subscriber out of its channel, and puts one in, by writing the whole list as it last saw
 *     it. Where one goes while another comes or goes, it may stay for good and hold up every post to the Broker: the next
 *     one follows once the Subscription of the one before, and any other that is going, is gone.
 * N2  Nobody waits in here: who comes too early is told so, and comes again.
 * N3  A Subscription that does not go holds the others up for `patienceMs` at most, a Trigger that does not become Ready
 *     for `comingMs`.
 * N4  A Trigger that somebody else deleted goes as any other: it, or another one, is made once its Subscription is gone.
 */
import { keyOf, keyText, nameOf, type ObjectKey } from "#core/api/object-key.ts";
import type { ChildObject, Children } from "#platform/kube/children.ts";
import type { Applier, EnsureOutcome } from "./applier.ts";
import type { ChildView } from "./state/views.ts";

export type TriggerLane = {
  /** `live`: the Trigger as it was last seen. */
  ensure(trigger: ChildObject, live: ChildView | undefined): Promise<EnsureOutcome | "later">;
  /** Gone already is as good; another's object of this name stays. */
  remove(key: ObjectKey, live: ChildView | undefined): Promise<"gone" | "later">;
};

export type TriggerLaneOptions = {
  readonly children: Pick<Children, "list">;
  readonly applier: Pick<Applier, "ensure" | "remove">;
  /** Of a Trigger by `<namespace>/<name>`. */
  readonly isReady: (key: string) => boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly patienceMs?: number;
  readonly comingMs?: number;
};

const PATIENCE_MS = 60_000;
const COMING_MS = 5_000;

export function createTriggerLane(options: TriggerLaneOptions): TriggerLane {
  const { children, applier, isReady, now, patienceMs = PATIENCE_MS, comingMs = COMING_MS } = options;
  /** Uids of Triggers that are there, by key. */
  const present = new Map<string, string>();
  /** Since when a Trigger goes, by uid. */
  const leaving = new Map<string, number>();
  /** Since when a Trigger comes, by key. */
  const coming = new Map<string, number>();
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const goes = ({ metadata }: ChildObject): boolean => {
    const { deletionTimestamp, ownerReferences = [] } = metadata;
    if (deletionTimestamp !== undefined) return now() - Date.parse(deletionTimestamp) < patienceMs;
    return ownerReferences.some(({ uid }) => leaving.has(uid));
  };
  /** N1. */
  const anyGoes = async (namespace: string): Promise<boolean> => {
    for (const [uid, since] of leaving) if (now() - since >= patienceMs) leaving.delete(uid);
    return (await children.list("Subscription", namespace)).some(goes);
  };
  const anyComes = (): boolean => {
    for (const [key, since] of coming) if (now() - since >= comingMs || isReady(key)) coming.delete(key);
    return coming.size > 0;
  };

  const make = async (key: string, trigger: ChildObject): Promise<EnsureOutcome | "later"> => {
    // Without one that is known to go, a thousand Triggers are made without a look at their Subscriptions.
    if (leaving.size > 0 && (await anyGoes(nameOf(trigger).namespace))) return "later";
    coming.set(key, now());
    return applier.ensure("Trigger", trigger, undefined);
  };
  const takeAway = async (name: ObjectKey, live: ChildView): Promise<"gone" | "later"> => {
    const key = keyText(name);
    coming.delete(key);
    if (anyComes() || (await anyGoes(name.namespace))) return "later";
    leaving.set(live.uid, now());
    present.delete(key);
    await applier.remove("Trigger", name, live);
    return "gone";
  };

  /** N4. */
  const see = (key: string, uid: string | undefined): void => {
    const former = present.get(key);
    if (former !== undefined && former !== uid) leaving.set(former, now());
    if (uid === undefined) present.delete(key);
    else present.set(key, uid);
  };

  return {
    ensure(trigger, live) {
      const key = keyOf(trigger);
      see(key, live?.uid);
      return live === undefined ? inTurn(() => make(key, trigger)) : applier.ensure("Trigger", trigger, live);
    },
    remove(name, live) {
      see(keyText(name), live?.uid);
      return live === undefined ? Promise.resolve("gone") : inTurn(() => takeAway(name, live));
    },
  };
}
