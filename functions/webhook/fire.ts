/**
 * Stores fires, each under a name that the caller chose or that is its own.
 *
 * I1  The same key and body give the same runs, whoever asks when, also while the first request is at work (P1).
 * I2  A fire is answered as accepted only once its event is in the outbox (P1); a key whose event may not have been
 *     stored yet stores it again, which the message id makes harmless, and the names of its runs.
 * I3  Forbid: the event is stored first and claimed after, so that a crash between leaves no claim that nobody frees;
 *     a fire that finds the claim taken is withdrawn. The claim of a run that ended meanwhile is given back (D47).
 * I4  Forbid: each request stores an event of its own. What it withdraws is no other request's under the same key, and
 *     the stream takes no later one for it: under one message id it would drop that for as long as its window.
 */
import { createHash } from "node:crypto";
import { webhookEvent } from "#core/events/cloud-event.ts";
import { runNames } from "#core/events/run-names.ts";
import type { Remembered, TriggerRecord } from "#core/ports/events.ts";
import type { WebhookDeps } from "./deps.ts";
import type { Fire } from "./read-fires.ts";

export type FireResult =
  | { readonly kind: "fired"; readonly runs: readonly string[]; readonly firedAt: number; readonly replayed: boolean }
  | Held;
/** Forbid: `runs` are those that have not ended. */
type Held = { readonly kind: "held"; readonly runs: readonly string[] };

/** A fire under its name, with the runs that it starts, or started when it came first. */
export type ClaimedFire = {
  readonly body: unknown;
  readonly key: string;
  readonly remembered: Remembered;
  /** Where `remembered` is kept; absent for a fire that the caller did not name. */
  readonly id?: string;
  readonly replayed: boolean;
};

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Nothing is fired yet. `mismatch`: the name was used with another body. */
export async function claimFire(
  trigger: TriggerRecord,
  fire: Fire,
  deps: WebhookDeps,
): Promise<ClaimedFire | "mismatch"> {
  const key = sha256(`${trigger.uid}\n${fire.name ?? `once\n${deps.newId()}`}`);
  const runs = runNames(trigger.targets, trigger.uid, key, sha256);
  const fresh: Remembered = { bodyDigest: fire.bodyDigest, firedAt: deps.now(), runs, stored: false };
  if (fire.name === undefined) return { body: fire.body, key, remembered: fresh, replayed: false };
  const id = `${trigger.namespace}.${trigger.name}.${key}`;
  const claim = await deps.idempotency.claim(id, fresh);
  const remembered = claim.kind === "known" ? claim.value : fresh;
  if (remembered.bodyDigest !== fire.bodyDigest) return "mismatch";
  return { body: fire.body, key, id, remembered, replayed: claim.kind === "known" };
}

export async function storeFire(
  trigger: TriggerRecord,
  fire: ClaimedFire,
  traceparent: string,
  deps: WebhookDeps,
): Promise<FireResult> {
  const { runs, firedAt, stored } = fire.remembered;
  if (!stored) {
    const held = await publish(trigger, fire, traceparent, deps);
    if (held !== undefined) return held;
    if (fire.id !== undefined) await deps.idempotency.markStored(fire.id, { ...fire.remembered, stored: true });
  }
  return { kind: "fired", runs, firedAt, replayed: fire.replayed };
}

/** Undefined once it is stored (I2). */
async function publish(
  trigger: TriggerRecord,
  { key, body, remembered: { firedAt, runs } }: ClaimedFire,
  traceparent: string,
  deps: WebhookDeps,
): Promise<Held | undefined> {
  const { namespace, name: event } = trigger;
  const forbid = trigger.concurrencyPolicy === "Forbid";
  const before = forbid ? await claimOf(trigger, key, deps) : "free";
  if (typeof before === "object") return before;
  const cloudEvent = webhookEvent({ namespace, event, key, firedAt, body, traceparent });
  const [{ seq }] = await Promise.all([
    deps.outbox.publish(
      { namespace, event, key, cloudEvent, firedAt },
      forbid ? `${trigger.uid}/${deps.newId()}` : trigger.uid,
    ),
    ...runs.map((run) => rememberRun(namespace, run, event, firedAt, deps)),
  ]);
  return forbid ? claimOrWithdraw(trigger, key, runs, seq, deps) : undefined;
}

/** I3, I4. */
async function claimOrWithdraw(
  trigger: TriggerRecord,
  key: string,
  runs: readonly string[],
  seq: number,
  deps: WebhookDeps,
): Promise<Held | undefined> {
  const lock = lockId(trigger);
  const claim = await deps.locks.claim(lock, key, runs);
  if (claim === "held") {
    await deps.outbox.confirm(seq);
    const now = await claimOf(trigger, key, deps);
    // Its holder may have let go since.
    if (now === "free") return { kind: "held", runs: [] };
    return now === "ours" ? undefined : now;
  }
  if (claim === "claimed") {
    for (const run of runs) {
      const known = await deps.states.get({ namespace: trigger.namespace, run });
      if (known !== undefined && known.state.phase.kind !== "running") await deps.locks.release(lock, run);
    }
  }
  return undefined;
}

/** `ours`: another request under the same key holds it, or this one did before. */
async function claimOf(trigger: TriggerRecord, key: string, deps: WebhookDeps): Promise<"free" | "ours" | Held> {
  const claim = await deps.locks.holder(lockId(trigger));
  if (claim === undefined) return "free";
  return claim.holder === key ? "ours" : { kind: "held", runs: claim.runs };
}

function lockId(trigger: TriggerRecord): string {
  return `${trigger.namespace}.${trigger.name}`;
}

/** Which event a run belongs to, before there is anything of the run: its token may read it from the first moment. */
function rememberRun(
  namespace: string,
  run: string,
  event: string,
  firedAt: number,
  deps: WebhookDeps,
): Promise<unknown> {
  return deps.idempotency.claim(runId(namespace, run), { bodyDigest: "", firedAt, runs: [event], stored: true });
}

function runId(namespace: string, run: string): string {
  return `${namespace}.${run}.event`;
}

/** The event of a run that was announced here within the last 24 h. */
export async function eventOfRun(namespace: string, run: string, deps: WebhookDeps): Promise<string | undefined> {
  const known = await deps.idempotency.get(runId(namespace, run));
  return known?.runs[0];
}
