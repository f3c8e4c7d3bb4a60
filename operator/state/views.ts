/** What the operator remembers of objects that it only looks at: a few fields each, however large they are. */
import type { ArkRun, StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import { ANNOTATIONS, LABELS } from "#core/runs/run-object.ts";
import type { ChildObject } from "#platform/kube/children.ts";

export type ReadyCondition = { readonly status: string; readonly reason: string; readonly message: string };

export type ChildView = {
  readonly namespace: string;
  readonly uid: string;
  /** Changes with what was asked for: the generation, or the version of a kind that has none. */
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ready: ReadyCondition | undefined;
  /** Of an Addressable or a Service. */
  readonly url: string | undefined;
  /** Of a Revision: pods there are. */
  readonly replicas: number;
};

export const CANCEL_ANNOTATION = "arkonis.dev/cancel";

/** `refused`: answers that validation did not take. */
export type StepGlance = { readonly phase: string; readonly attempts: number; readonly refused: number };

export type RunView = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly team: string | undefined;
  /** Of a run of one step. */
  readonly agent: string | undefined;
  /** The ArkService that took it. */
  readonly service: string | undefined;
  readonly event: string | undefined;
  readonly eventKey: string | undefined;
  /** Made by an event or by another run: somebody announces it. */
  readonly isDerived: boolean;
  readonly phase: string | undefined;
  /** Of its condition Succeeded, and the words with it. */
  readonly outcome: { readonly reason: string; readonly message: string } | undefined;
  readonly createdAt: string;
  readonly startedAt: string | undefined;
  readonly completedAt: string | undefined;
  /** By name, while it goes on: what an ended one did has been told. */
  readonly steps: Readonly<Record<string, StepGlance>> | undefined;
  readonly cancelled: boolean;
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
};

export function runView({ metadata, spec, status }: ArkRun): RunView {
  const { namespace = "default", name = "", uid = "", creationTimestamp = "" } = metadata;
  return {
    namespace,
    name,
    uid,
    team: spec.teamRef,
    agent: spec.agent,
    ...originOf(metadata),
    phase: status?.phase,
    outcome: outcomeOf(status),
    createdAt: creationTimestamp,
    startedAt: status?.startTime,
    completedAt: status?.completionTime,
    steps: stepGlances(status),
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
  };
}

export function stepGlance({ phase, attempts = 0, validationAttempts: refused = 0 }: StepStatus): StepGlance {
  return { phase, attempts, refused };
}

function stepGlances(status: ArkRun["status"]): RunView["steps"] {
  if (status?.completionTime !== undefined) return undefined;
  const steps = status?.steps ?? [];
  return Object.fromEntries(steps.map((step) => [step.name, stepGlance(step)]));
}

function outcomeOf(status: ArkRun["status"]): RunView["outcome"] {
  const found = status?.conditions?.find(({ type }) => type === "Succeeded");
  return found === undefined ? undefined : { reason: found.reason, message: found.message.slice(0, MAX_WORDS) };
}

/** As much as a Kubernetes Event takes with it. */
const MAX_WORDS = 512;

function originOf({ labels = {}, annotations = {} }: ArkRun["metadata"]) {
  const eventKey = annotations[ANNOTATIONS.eventKey];
  return {
    event: labels[LABELS.event],
    service: labels[LABELS.service],
    eventKey,
    isDerived: eventKey !== undefined || annotations[ANNOTATIONS.parent] !== undefined,
    cancelled: annotations[CANCEL_ANNOTATION] === "true",
  };
}

export function hasEnded({ phase }: RunView): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

export function childView(object: ChildObject): ChildView {
  const { metadata } = object;
  const status = fieldOf(object, "status");
  const url = fieldOf(fieldOf(status, "address"), "url") ?? fieldOf(status, "url");
  const replicas = fieldOf(status, "actualReplicas");
  return {
    namespace: metadata.namespace ?? "",
    uid: metadata.uid ?? "",
    version: String(metadata.generation ?? metadata.resourceVersion ?? ""),
    labels: metadata.labels ?? {},
    ready: readyOf(status, metadata.generation),
    url: typeof url === "string" ? url : undefined,
    replicas: typeof replicas === "number" ? replicas : 0,
  };
}

/** A condition about an earlier generation says nothing about this one. */
function readyOf(status: unknown, generation: number | undefined): ReadyCondition | undefined {
  const observed = fieldOf(status, "observedGeneration");
  if (typeof observed === "number" && generation !== undefined && observed < generation) return undefined;
  const conditions = fieldOf(status, "conditions");
  if (!Array.isArray(conditions)) return undefined;
  const ready: unknown = conditions.find((one) => fieldOf(one, "type") === "Ready");
  if (ready === undefined) return undefined;
  const text = (name: string) => {
    const value = fieldOf(ready, name);
    return typeof value === "string" ? value : "";
  };
  return { status: text("status"), reason: text("reason"), message: text("message") };
}

export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
