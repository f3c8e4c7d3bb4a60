/** What an ArkEvent becomes: the record that the webhook function reads, and its status. */
import type { ArkEvent, ArkEventStatus } from "#core/api/v1alpha1/ark-event.ts";
import type { Condition } from "#core/api/v1alpha1/common.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import type { TriggerRecord } from "#core/ports/events.ts";
import { nextTick } from "#core/schedule/ticks.ts";
import { time, type Verdict, withCondition } from "./conditions.ts";
import { sourceFault, templateFault } from "./event-fault.ts";

export type EventWorld = {
  readonly team: (name: string) => ArkTeam | undefined;
  readonly hasAgent: (name: string) => boolean;
  /** Base of webhook URLs, without a closing slash. */
  readonly webhookBase: string;
  /** Why the source cannot work here, from whoever runs it. */
  readonly sourceFault?: string;
  /** What the source still waits for, from whoever runs it. */
  readonly notReady?: { readonly reason: string; readonly message: string };
  /** Events that were given up; absent while nobody has looked. */
  readonly deadLetters?: number;
  readonly now: number;
};

/** `tokenDigest` is `sha256:<hex>`. */
export function triggerRecord(
  event: ArkEvent,
  team: EventWorld["team"],
  tokenDigest: string | undefined,
): TriggerRecord {
  const { namespace = "default", name = "", uid = "", generation = 1 } = event.metadata;
  const { spec } = event;
  return {
    namespace,
    name,
    uid,
    generation,
    type: spec.source.type,
    ...(tokenDigest !== undefined && { tokenDigest }),
    suspended: spec.suspended,
    concurrencyPolicy: spec.concurrencyPolicy,
    targets: spec.targets.map((target) => {
      const found = target.team === undefined ? undefined : team(target.team);
      return {
        ...(target.team !== undefined && { team: target.team }),
        ...(target.agent !== undefined && { agent: target.agent }),
        hasInput: target.input !== undefined,
        ...(found?.spec.inputs !== undefined && { inputs: found.spec.inputs }),
        ...(found?.spec.input !== undefined && { defaults: Object.keys(found.spec.input) }),
      };
    }),
  };
}

/** `firedCount` and `lastFiredAt` are the dispatcher's tally and pass through. */
export function eventStatus(event: ArkEvent, world: EventWorld): ArkEventStatus {
  const { namespace = "default", name = "", generation = 1 } = event.metadata;
  const { source, suspended } = event.spec;
  const { webhookURL: _url, nextFireAt: _next, ...kept } = event.status ?? {};
  const next = source.type === "cron" && !suspended ? nextFire(event, world.now) : undefined;
  const verdict = judgeEvent(event, world);
  const at = { now: world.now, generation };
  return {
    firedCount: 0,
    ...kept,
    observedGeneration: generation,
    conditions: withLetters(event, withCondition(kept.conditions, "Ready", verdict, at), world),
    ...(world.deadLetters !== undefined && { deadLetters: world.deadLetters }),
    ...(source.type === "webhook" && { webhookURL: `${world.webhookBase}/triggers/${namespace}/${name}` }),
    ...(next !== undefined && { nextFireAt: time(next) }),
  };
}

/** Said once there have been some: an event that never lost one has no such condition. */
function withLetters({ metadata }: ArkEvent, conditions: Condition[], { deadLetters, now }: EventWorld): Condition[] {
  const { name = "", namespace = "default", generation = 1 } = metadata;
  const isSaid = conditions.some(({ type }) => type === LETTERS);
  if (deadLetters === undefined || (deadLetters === 0 && !isSaid)) return conditions;
  const next = `the reasons: kubectl get events; once they are mended: ark replay ${name} -n ${namespace}`;
  const verdict: Verdict =
    deadLetters === 0
      ? { status: "False", reason: "NoneLeft", message: "no event waits to be sent again" }
      : {
          status: "True",
          reason: "NotDispatched",
          message: `events that could not be dispatched: ${deadLetters}; ${next}`,
        };
  return withCondition(conditions, LETTERS, verdict, { now, generation });
}

const LETTERS = "DeadLetters";

function nextFire({ spec: { source } }: ArkEvent, now: number): number | undefined {
  const { cron, timeZone } = source;
  if (cron === undefined) return undefined;
  return nextTick({ cron, ...(timeZone !== undefined && { timeZone }) }, now);
}

function judgeEvent(event: ArkEvent, world: EventWorld): Verdict {
  if (world.sourceFault !== undefined) return no("InvalidSource", world.sourceFault);
  const fault = sourceFault(event) ?? templateFault(event);
  if (fault !== undefined) return no(fault.reason, fault.message);
  const missing = missingTarget(event, world);
  if (missing !== undefined) return missing;
  if (event.spec.suspended) return no("Suspended", "every fire is paused");
  if (world.notReady !== undefined) return no(world.notReady.reason, world.notReady.message);
  return { status: "True", reason: "Active", message: "the source is in effect" };
}

function missingTarget(event: ArkEvent, world: EventWorld): Verdict | undefined {
  for (const [index, { team, agent }] of event.spec.targets.entries()) {
    const at = `spec.targets[${index}]`;
    if (team !== undefined && world.team(team) === undefined)
      return no("TeamNotFound", `${at}.team: no ArkTeam "${team}"; fires are kept and retried`);
    if (agent !== undefined && !world.hasAgent(agent))
      return no("AgentNotFound", `${at}.agent: no ArkAgent "${agent}"; fires are kept and retried`);
  }
  return undefined;
}

function no(reason: string, message: string): Verdict {
  return { status: "False", reason, message };
}
