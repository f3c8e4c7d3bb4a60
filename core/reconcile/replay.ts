/**
 * Sends an ArkEvent's dead letters on their way again when its annotation asks for it.
 *
 * R1  A value of the annotation is carried out once: what is to be sent is fixed, and stored, before the first letter
 *     goes. A crash in between sends the rest; what is given up again meanwhile waits for the next request.
 * R2  A suspended event's letters stay, and go once it is resumed: the dispatcher would give them up again now.
 * R3  Under Forbid they go one at a time, each once nothing of the event is on its way or running: together all but one
 *     would be given up again (D47). So they wait where nothing is lost, over restarts too.
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { isMeantFor } from "#core/events/match.ts";
import type { Replay, ReplayRecord, Replays } from "#core/ports/events.ts";

export const REPLAY_REQUESTED_AT = "arkonis.dev/replay-requested-at";

export type ReplayOutcome =
  | { readonly kind: "nothing" }
  | { readonly kind: "replayed"; readonly message: string }
  /** R3: the rest waits for a run to end, and is to be looked at again soon. */
  | { readonly kind: "going"; readonly sent: number }
  | { readonly kind: "refused"; readonly message: string }
  /** Another one carries it out. */
  | { readonly kind: "conflict" };

export type ReplayPorts = { readonly letters: Replay; readonly replays: Replays };

export async function replayWhenAsked(event: ArkEvent, ports: ReplayPorts): Promise<ReplayOutcome> {
  const asked = askOf(event);
  if (asked === undefined || event.spec.suspended) return NOTHING;
  const { record: known, revision } = (await ports.replays.get(asked.namespace, asked.name)) ?? NEVER;
  const begun = begunOf(known, asked);
  if (begun?.done === true) return NOTHING;
  if (!isTime(asked.requested)) return refuse(asked, revision, ports);
  const record = begun ?? (await begin(asked, revision, ports));
  return record === undefined ? CONFLICT : carryOut(event, asked, record, ports);
}

type Ask = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly requested: string;
};

function askOf({ metadata }: ArkEvent): Ask | undefined {
  const { namespace = "default", name = "", uid = "", annotations } = metadata;
  const requested = annotations?.[REPLAY_REQUESTED_AT];
  return requested === undefined ? undefined : { namespace, name, uid, requested };
}

function begunOf(known: ReplayRecord | undefined, { uid, requested }: Ask): ReplayRecord | undefined {
  return known?.uid === uid && known.requested === requested ? known : undefined;
}

async function refuse(
  { namespace, name, uid, requested }: Ask,
  revision: number,
  { replays }: ReplayPorts,
): Promise<ReplayOutcome> {
  const stored = await replays.put(namespace, name, { uid, requested, upTo: 0, done: true }, revision);
  const message = `annotation ${REPLAY_REQUESTED_AT} wants a time such as 2026-01-31T09:30:00Z`;
  return stored === "stored" ? { kind: "refused", message } : CONFLICT;
}

/** R1. Undefined: another one came first. */
async function begin(
  { namespace, name, uid, requested }: Ask,
  revision: number,
  { letters, replays }: ReplayPorts,
): Promise<ReplayRecord | undefined> {
  const { newest } = await letters.census();
  const record = { uid, requested, upTo: newest, done: false };
  return (await replays.put(namespace, name, record, revision)) === "stored" ? record : undefined;
}

async function carryOut(
  event: ArkEvent,
  { namespace, name }: Ask,
  record: ReplayRecord,
  { letters, replays }: ReplayPorts,
): Promise<ReplayOutcome> {
  const of = { namespace, event: name };
  const isForbid = event.spec.concurrencyPolicy === "Forbid";
  if (isForbid && (await letters.isBusy(of, record.last))) return { kind: "going", sent: 0 };
  const most = isForbid ? 1 : Number.POSITIVE_INFINITY;
  const { sent, left, last } = await letters.replay(of, record.upTo, (one) => isMeantFor(event, one), most);
  const done = !isForbid || sent === 0;
  const total = (record.sent ?? 0) + sent;
  const { revision } = (await replays.get(namespace, name)) ?? NEVER;
  const next = { ...record, done, sent: total, ...(last !== undefined && { last }) };
  if ((await replays.put(namespace, name, next, revision)) !== "stored") return CONFLICT;
  return done ? { kind: "replayed", message: told(total, left) } : { kind: "going", sent };
}

function isTime(text: string): boolean {
  return RFC_3339.test(text) && !Number.isNaN(Date.parse(text));
}

const NOTHING = { kind: "nothing" } as const;
const CONFLICT = { kind: "conflict" } as const;
const NEVER = { record: undefined, revision: 0 } as const;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

function told(sent: number, left: number): string {
  const rest = left === 0 ? "" : `; ${left} stay, which are no events of its source as it is now`;
  return sent === 0 && left === 0 ? "there are no dead letters" : `dead letters sent again: ${sent}${rest}`;
}
