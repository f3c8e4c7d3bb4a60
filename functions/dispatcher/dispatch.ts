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
import { StoreUnavailable } from "#core/ports/record.ts";
import { unlessLost } from "#core/ports/unless-lost.ts";
import { countUnknown, recordFire } from "./count-fire.ts";
import { deadLetter } from "./dead-letter.ts";
import type { DispatcherDeps, FireRecord } from "./deps.ts";
import { fireKey, sha256 } from "./fire-key.ts";
import { type Claim, claimForbid, giveBack } from "./forbid.ts";
import { outputOf } from "./run-output.ts";
import { isStray } from "./strays.ts";
import { type Started, startRun } from "#core/runs/start-run.ts";
import { prepareTarget, type PreparedTarget } from "./targets.ts";

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
  const id = `${namespace}/${event}/${sha256(`${cloudEvent.source}\n${cloudEvent.id}`)}`;
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
  const targets = await beginTargets(input, fire, context.trigger, deps);
  const waiting = targets.filter(({ kind }) => kind === "waiting");
  const lost = targets.filter(({ kind }) => kind === "refused" || (kind === "waiting" && input.lastTry));
  for (const target of lost) if (target.kind !== "started") await bury(fire, input, target, deps);
  const earlier = targets.filter((target) => target.kind === "started" && target.known);
  const names = (of: readonly Begun[]) => of.map(({ name }) => name);
  await giveBack(event, claim, { runs, never: names(lost), earlier: names(earlier) }, deps);
  await tell(fire, targets, lost, deps);
  const [first] = waiting;
  if (first?.kind !== "waiting" || input.lastTry) return { kind: "done" };
  return { kind: "retry", afterMs: AGAIN_MS, reason: first.message };
}

async function beginTargets(
  { cloudEvent }: Dispatch,
  { event, key, runs, hop }: Fire,
  trigger: TriggerContext,
  deps: DispatcherDeps,
): Promise<readonly Begun[]> {
  const traceparent = extension(cloudEvent, "traceparent");
  const origin = {
    event: event.metadata.name ?? "",
    eventKey: sha256(key),
    depth: 0,
    hop,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
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

type Begun =
  | Exclude<PreparedTarget, { kind: "ready" }>
  | (Extract<Started, { kind: "started" }> & { readonly name: string });

async function begin(target: PreparedTarget, deps: DispatcherDeps): Promise<Begun> {
  if (target.kind !== "ready") return target;
  const { name, index } = target;
  const started = await startRun(target.run, deps);
  if (started.kind === "started") return { ...started, name };
  return { kind: "refused", index, name, reason: "NameTaken", message: `another run is called ${name}` };
}

/** A fire that was dispatched before this delivery is no skipped fire, whoever holds the claim now. */
async function known({ event, runs }: Fire, deps: DispatcherDeps): Promise<boolean> {
  const namespace = event.metadata.namespace ?? "";
  const found = await Promise.all(runs.map((name) => deps.objects.get("ArkRun", { namespace, name })));
  return found.every((run) => run !== undefined);
}

async function tell(
  fire: Fire,
  targets: readonly Begun[],
  lost: readonly Begun[],
  deps: DispatcherDeps,
): Promise<void> {
  const started = targets.filter((target) => target.kind === "started");
  if (started.length > 0) {
    const created = started.filter((target) => target.created).length;
    const names = started.map(({ name }) => name);
    await recordFire({ ...record(fire, { outcome: "fired" }), runs: names, created }, deps);
  }
  for (const target of targets) {
    if (target.kind === "started") continue;
    const { reason, message } = target;
    const outcome = lost.includes(target) ? "dead-lettered" : "failed";
    await recordFire(record(fire, { outcome, reason, message }), deps);
  }
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
