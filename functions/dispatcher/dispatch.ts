/**
 * One fire of one ArkEvent: CloudEvent in, ArkRuns out.
 *
 * D1  A run's name derives from (event uid, key, target index): the same fire twice gives the same runs (P1, D32).
 * D2  Targets start side by side; a retry starts only what is missing (D32).
 * D3  The outbox is told "delivered" last, after everything this fire causes is stored (P1).
 * D4  A fire that a gate stops starts nothing and counts nothing (D33).
 * D5  A dead letter that is sent again is for the ArkEvent that lost it: whoever else it matches had it long ago. A gate
 *     that stops it makes it a dead letter again, and no skipped fire: nobody else has it.
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { EXTENSIONS, extension, MAX_HOPS, numberExtension } from "#core/events/cloud-event.ts";
import { runNames } from "#core/events/run-names.ts";
import { triggerContext, type TriggerContext } from "#core/events/trigger-context.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { unlessLost } from "#core/ports/unless-lost.ts";
import type { Origin } from "#core/runs/run-object.ts";
import { beginTargets, type Begun, type NotBegun } from "./begin-targets.ts";
import { countUnknown, recordFire } from "./count-fire.ts";
import { deadLetter } from "./dead-letter.ts";
import type { DispatcherDeps, FireRecord } from "./deps.ts";
import { eventDigest, fireKey, sha256 } from "./fire-key.ts";
import { type Claim, claimForbid, giveBack } from "./forbid.ts";
import { outputOf } from "./run-output.ts";
import { isStray } from "./strays.ts";
import { traceOf } from "./trace.ts";

export type Dispatch = {
  readonly namespace: string;
  readonly event: string;
  readonly cloudEvent: CloudEventRecord;
  /** Names the fire; absent: derived from the event. */
  readonly key?: string;
  /** Where it stands in the outbox; absent: it did not come from there. */
  readonly seq?: number;
  /** No further delivery follows: what still waits is dead-lettered. */
  readonly lastTry: boolean;
};

const AGAIN_MS = 5_000;

type Fire = {
  readonly event: ArkEvent;
  readonly key: string;
  readonly firedAt: number;
  readonly hop: number;
  readonly runs: readonly string[];
};

/** Rejects only while a store is away. `dead`: it is in the dead-letter store, and settled. */
export async function dispatch(input: Dispatch, deps: DispatcherDeps): Promise<HandleOutcome> {
  const replayedFor = extension(input.cloudEvent, EXTENSIONS.replay);
  if (replayedFor !== undefined && replayedFor !== `${input.namespace}/${input.event}`) return { kind: "done" };
  const event = await deps.objects.get("ArkEvent", { namespace: input.namespace, name: input.event });
  if (input.lastTry && isStray(input.cloudEvent, input, event)) return { kind: "done" };
  const outcome = event === undefined ? await unknownEvent(input, deps) : await fireEvent(input, event, deps);
  if (outcome.kind !== "retry" && input.seq !== undefined) await deps.outbox.confirm(input.seq, input.cloudEvent.id);
  return outcome;
}

async function unknownEvent(input: Dispatch, deps: DispatcherDeps): Promise<HandleOutcome> {
  const message = `event ${input.event} does not exist`;
  if (!input.lastTry) return { kind: "retry", afterMs: AGAIN_MS, reason: message };
  const { namespace, event, cloudEvent } = input;
  const id = `${namespace}/${event}/${eventDigest(cloudEvent)}`;
  await deadLetter({ namespace, name: event, reason: "EventNotFound", message, cloudEvent, id }, deps);
  countUnknown(namespace, deps);
  return { kind: "dead", code: "EventNotFound", reason: message };
}

async function fireEvent(input: Dispatch, event: ArkEvent, deps: DispatcherDeps): Promise<HandleOutcome> {
  deps.fireHints.send(input);
  const key = input.key ?? fireKey(event, input.cloudEvent, deps.now());
  const runs = runNames(event.spec.targets, event.metadata.uid ?? "", key, sha256);
  const before = numberExtension(input.cloudEvent, EXTENSIONS.hop);
  const fire: Fire = {
    event,
    key,
    runs,
    firedAt: firedAt(event, input, deps.now()),
    hop: before === undefined ? 0 : before + 1,
  };
  if (event.spec.suspended)
    return stopped(input, fire, { reason: "Suspended", message: "the event is suspended" }, deps);
  if (fire.hop > MAX_HOPS) {
    const message = `${fire.hop} runs started one another: the ring of team-output events is cut here`;
    return lose(input, fire, { reason: "HopLimit", message }, deps);
  }
  return startTargets(input, fire, deps);
}

async function startTargets(input: Dispatch, fire: Fire, deps: DispatcherDeps): Promise<HandleOutcome> {
  const { event, key, runs } = fire;
  const claim = await claimForbid(event, key, runs, deps);
  if (claim === "held" && !(await known(fire, deps))) {
    return stopped(input, fire, { reason: "ConcurrencyForbidden", message: "a run of this event has not ended" }, deps);
  }
  const context = await contextOf(input, fire, deps);
  if (context.kind === "lost") return loseOutput(input, fire, claim, context.message, deps);
  const targets = await beginTargets(event, runs, context.trigger, originOf(input, fire), deps);
  const started = targets.filter((target) => target.kind === "started");
  const failed = targets.filter((target) => target.kind !== "started");
  const lost = failed.filter(({ kind }) => kind === "refused" || input.lastTry);
  const waiting = failed.filter((target) => !lost.includes(target));
  for (const target of lost) await bury(fire, input, target, deps);
  const earlier = started.filter(({ known: wasKnown }) => wasKnown);
  await giveBack(event, claim, { runs, never: namesOf(lost), earlier: namesOf(earlier) }, deps);
  await tell(fire, { started, lost, waiting }, deps);
  const [first] = waiting;
  return first === undefined ? { kind: "done" } : { kind: "retry", afterMs: AGAIN_MS, reason: first.message };
}

function originOf({ cloudEvent }: Dispatch, { event, key, hop }: Fire): Origin {
  const name = event.metadata.name ?? "";
  return { event: name, eventKey: sha256(key), depth: 0, hop, ...traceOf(cloudEvent) };
}

function namesOf(targets: readonly Begun[]): readonly string[] {
  return targets.map(({ name }) => name);
}

async function loseOutput(
  input: Dispatch,
  fire: Fire,
  claim: Claim,
  message: string,
  deps: DispatcherDeps,
): Promise<HandleOutcome> {
  if (await known(fire, deps)) return { kind: "done" };
  await giveBack(fire.event, claim, { runs: fire.runs, never: fire.runs, earlier: [] }, deps);
  return lose(input, fire, { reason: "OutputLost", message }, deps);
}

/** A fire that was dispatched before this delivery is no skipped fire, whoever holds the claim now. */
async function known({ event, runs }: Fire, deps: DispatcherDeps): Promise<boolean> {
  const namespace = event.metadata.namespace ?? "";
  const found = await Promise.all(runs.map((name) => deps.objects.get("ArkRun", { namespace, name })));
  return found.every((run) => run !== undefined);
}

type Told = {
  readonly started: readonly Extract<Begun, { kind: "started" }>[];
  readonly lost: readonly NotBegun[];
  /** Tried again. */
  readonly waiting: readonly NotBegun[];
};

async function tell(fire: Fire, { started, lost, waiting }: Told, deps: DispatcherDeps): Promise<void> {
  const created = started.filter((target) => target.created).length;
  // One that starts nothing and is not whole is another try of its own: no duplicate.
  if (created > 0 || started.length === fire.runs.length) {
    await recordFire({ ...record(fire, { outcome: "fired" }), runs: namesOf(started), created }, deps);
  }
  for (const { reason, message } of lost)
    await recordFire(record(fire, { outcome: "dead-lettered", reason, message }), deps);
  for (const { reason, message } of waiting)
    await recordFire(record(fire, { outcome: "failed", reason, message }), deps);
}

/** D4, D5. */
async function stopped(input: Dispatch, fire: Fire, why: Loss, deps: DispatcherDeps): Promise<HandleOutcome> {
  if (extension(input.cloudEvent, EXTENSIONS.replay) !== undefined) return lose(input, fire, why, deps);
  await recordFire(record(fire, { outcome: "skipped", ...why }), deps);
  return { kind: "done" };
}

/** A dead letter: what starts nothing however often it is delivered, and what nobody else has. */
async function lose(input: Dispatch, fire: Fire, why: Loss, deps: DispatcherDeps): Promise<HandleOutcome> {
  await bury(fire, input, why, deps);
  await recordFire(record(fire, { outcome: "dead-lettered", ...why }), deps);
  return { kind: "dead", code: why.reason, reason: why.message };
}

type What = Pick<FireRecord, "outcome" | "reason" | "message">;

function record({ event, key, firedAt: at }: Fire, what: What): FireRecord {
  const { namespace = "", name = "", uid = "" } = event.metadata;
  return { namespace, event: name, uid, key, firedAt: at, runs: [], created: 0, ...what };
}

type Loss = { readonly reason: string; readonly message: string; readonly index?: number };

function bury(
  { event, key }: Fire,
  { cloudEvent }: Dispatch,
  { reason, message, index }: Loss,
  deps: DispatcherDeps,
): Promise<void> {
  const { namespace = "", name = "", uid = "" } = event.metadata;
  const id = `${uid}/${key}/${index ?? "all"}/${reason}`;
  return deadLetter({ namespace, name, reason, message, cloudEvent, key, id }, deps);
}

type Context =
  | { readonly kind: "known"; readonly trigger: TriggerContext }
  | { readonly kind: "lost"; readonly message: string };

/** `lost`: the output that the event refers to is gone for good. */
async function contextOf(
  { cloudEvent }: Dispatch,
  { event, firedAt: at }: Fire,
  deps: DispatcherDeps,
): Promise<Context> {
  const { type } = event.spec.source;
  const { namespace = "", name = "" } = event.metadata;
  const of = { name, type, firedAt: at, cloudEvent };
  if (type !== "team-output") return { kind: "known", trigger: triggerContext(of) };
  return unlessLost<Context>(
    async () => {
      const output = await outputOf({ namespace }, cloudEvent, deps);
      return { kind: "known", trigger: triggerContext({ ...of, output }) };
    },
    (message) => ({ kind: "lost", message }),
  );
}

/** Ark's own events say when; a foreign event's `time` says when something happened elsewhere. */
function firedAt(event: ArkEvent, { cloudEvent }: Dispatch, now: number): number {
  const said = event.spec.source.type === "cloudevent" ? Number.NaN : Date.parse(cloudEvent.time ?? "");
  return Number.isNaN(said) ? now : said;
}
