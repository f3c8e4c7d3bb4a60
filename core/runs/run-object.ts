/**
 * The ArkRun of a fire, and the fact that announces a run: one is made from the other, so that a run can be announced
 * again from its object alone, by whoever finds it unannounced.
 */
import type { ArkRun, ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { ownTraceparent, parseTraceparent } from "#core/events/trace-context.ts";
import type { ParentRef, RunRequested, StepResult, Via } from "#core/events/facts.ts";
import { parentOf } from "./parent-ref.ts";

export const LABELS = {
  team: "arkonis.dev/team",
  event: "arkonis.dev/event",
  agent: "arkonis.dev/agent",
  run: "arkonis.dev/run",
  service: "arkonis.dev/service",
} as const;
/** Held by the operator: the record of a run goes before its object does. */
export const RUN_FINALIZER = "arkonis.dev/run";
export const ANNOTATIONS = {
  eventKey: "arkonis.dev/event-key",
  retryOf: "arkonis.dev/retry-of",
  retrySteps: "arkonis.dev/retry-steps",
  hop: "arkonis.dev/hop",
  depth: "arkonis.dev/depth",
  parent: "arkonis.dev/parent",
  traceparent: "arkonis.dev/traceparent",
  instance: "arkonis.dev/instance",
  session: "arkonis.dev/session",
} as const;

export type Owner = {
  readonly kind: "ArkTeam" | "ArkAgent" | "ArkEvent" | "ArkRun" | "ArkService";
  readonly name: string;
  readonly uid: string;
};

/** Where a run comes from; kept on the object. */
export type Origin = {
  readonly event?: string;
  readonly eventKey?: string;
  readonly parent?: ParentRef;
  readonly via?: Via;
  readonly depth: number;
  readonly hop: number;
  readonly traceparent?: string;
};

/** A team at this moment, as a run keeps it (api 4). */
export function snapshot(team: ArkTeam, input: Readonly<Record<string, string>>): ArkRunSpec {
  const { roles, pipeline, inputs, output, timeoutSeconds, maxTokens, limits, defaultContextPolicy } = team.spec;
  return {
    teamRef: team.metadata.name ?? "",
    teamGeneration: team.metadata.generation ?? 1,
    input: { ...input },
    roles,
    pipeline,
    ...(inputs === undefined ? {} : { inputs }),
    ...(output === undefined ? {} : { output }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(limits === undefined ? {} : { limits }),
    ...(defaultContextPolicy === undefined ? {} : { defaultContextPolicy }),
  };
}

export function runObject(
  key: { readonly namespace: string; readonly name: string },
  spec: ArkRunSpec,
  origin: Origin,
  owner: Owner | undefined,
): ArkRun {
  return {
    apiVersion: API_VERSION,
    kind: "ArkRun",
    metadata: {
      ...key,
      labels: {
        ...(spec.teamRef === undefined ? {} : { [LABELS.team]: spec.teamRef }),
        ...(spec.agent === undefined ? {} : { [LABELS.agent]: spec.agent }),
        ...(origin.event === undefined ? {} : { [LABELS.event]: origin.event }),
        ...(origin.via === undefined ? {} : { [LABELS.service]: origin.via.service }),
        ...(origin.parent === undefined ? {} : { [LABELS.run]: origin.parent.run }),
      },
      annotations: annotationsOf(origin),
      ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: API_VERSION, ...owner }] }),
    },
    spec,
  };
}

function annotationsOf(origin: Origin): Record<string, string> {
  return {
    ...(origin.eventKey === undefined ? {} : { [ANNOTATIONS.eventKey]: origin.eventKey }),
    ...(origin.hop === 0 ? {} : { [ANNOTATIONS.hop]: String(origin.hop) }),
    ...(origin.depth === 0 ? {} : { [ANNOTATIONS.depth]: String(origin.depth) }),
    ...(origin.parent === undefined ? {} : { [ANNOTATIONS.parent]: JSON.stringify(origin.parent) }),
    ...(origin.via?.instance === undefined ? {} : { [ANNOTATIONS.instance]: origin.via.instance }),
    ...(origin.via?.session === undefined ? {} : { [ANNOTATIONS.session]: origin.via.session }),
    ...(origin.traceparent === undefined ? {} : { [ANNOTATIONS.traceparent]: origin.traceparent }),
  };
}

/** The first fact of a run, from its object. */
export function requestOf(run: ArkRun, at: number, carried?: Readonly<Record<string, StepResult>>): RunRequested {
  const { namespace = "", name = "", uid = "", generation } = run.metadata;
  return {
    kind: "run.requested",
    at,
    namespace,
    run: name,
    uid,
    ...(generation === undefined ? {} : { generation }),
    spec: run.spec,
    ...comesFrom(run),
    ...traceOf(run),
    ...(carried === undefined ? {} : { carried }),
  };
}

/** Every run has a trace: one that came without has its own, which anybody finds again from its uid. */
function traceOf({ metadata: { annotations = {}, uid = "" } }: ArkRun): Pick<RunRequested, "traceparent"> {
  const given = annotations[ANNOTATIONS.traceparent];
  const traceparent = parseTraceparent(given) === undefined ? ownTraceparent(uid) : given;
  return traceparent === undefined ? {} : { traceparent };
}

type Whence = Pick<RunRequested, "depth" | "hop" | "event" | "parent" | "via">;

function comesFrom({ metadata: { namespace = "", labels = {}, annotations = {} } }: ArkRun): Whence {
  const event = labels[LABELS.event];
  const parent = parentOf(annotations[ANNOTATIONS.parent], namespace);
  const via = viaOf(labels, annotations);
  return {
    depth: count(annotations[ANNOTATIONS.depth]),
    hop: count(annotations[ANNOTATIONS.hop]),
    ...(event === undefined ? {} : { event }),
    ...(parent === undefined ? {} : { parent }),
    ...(via === undefined ? {} : { via }),
  };
}

function viaOf(labels: Words, annotations: Words): Via | undefined {
  const service = labels[LABELS.service];
  if (service === undefined) return undefined;
  const instance = annotations[ANNOTATIONS.instance];
  const session = annotations[ANNOTATIONS.session];
  return { service, ...(instance === undefined ? {} : { instance }), ...(session === undefined ? {} : { session }) };
}
type Words = Readonly<Record<string, string>>;

function count(text: string | undefined): number {
  const value = Number(text ?? "0");
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}
