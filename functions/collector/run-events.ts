/** CloudEvents that a run's engine sends out, made from its state alone (api 16). */
import type { ArkRunStatus } from "#core/api/v1alpha1/ark-run.ts";
import { arkSource, EVENT_TYPES, EXTENSIONS } from "#core/events/cloud-event.ts";
import { type BudgetRef, DAY_MS } from "#core/events/budget.ts";
import type { StepOutcome, Usage } from "#core/events/facts.ts";
import { previewOf, type Text } from "#core/events/text.ts";
import type { Command, RunState } from "#core/pipeline/state.ts";
import type { AcceptedEvent, CloudEventRecord } from "#core/ports/events.ts";

type Emit = Extract<Command, { kind: "emit" }>;
type Child = Extract<Command, { kind: "child" }>;

/** The outbox subject of events that no ArkEvent stands behind; no DNS label: an ArkEvent that goes takes none along. */
const OUTBOX_NAME = "-runs";

/**
 * `dev.ark.run.started|waiting|succeeded|failed`. `at` is the moment of the state, not of the sending: the same event twice is
 * the same bytes.
 */
export function runEvent(state: RunState, command: Emit, status: ArkRunStatus): AcceptedEvent {
  const at = command.type === EVENT_TYPES.runWaiting ? waitingSince(state) : momentOf(state);
  return accepted(state, command.id.slice(state.uid.length + 1), at, {
    ...envelope(state, command.id, command.type, at),
    data: {
      run: state.run,
      ...(state.spec.teamRef === undefined ? {} : { team: state.spec.teamRef }),
      ...(state.spec.agent === undefined ? {} : { agent: state.spec.agent }),
      phase: status.phase ?? "Running",
      ...ending(state),
      ...(command.type === EVENT_TYPES.runWaiting && waiting(status)),
      ...(status.totalTokenUsage === undefined ? {} : { tokenUsage: status.totalTokenUsage }),
    },
  });
}

function momentOf({ phase, startedAt }: RunState): number {
  return phase.kind === "running" ? startedAt : phase.endedAt;
}

function waitingSince({ steps, startedAt }: RunState): number {
  return Object.values(steps).reduce(
    (at, step) => Math.max(at, (step.phase === "backoff" && step.since) || 0),
    startedAt,
  );
}

/** In the words of the run's condition: for what. */
function waiting({ conditions }: ArkRunStatus): Record<string, unknown> {
  const said = conditions?.find(({ type }) => type === "Succeeded");
  return { reason: "Waiting", ...(said === undefined ? {} : { message: said.message }) };
}

/** Asks the dispatcher for the ArkRun of a nested team; the name is the parent's to give, so asking twice is harmless. */
export function childRequest(state: RunState, command: Child): AcceptedEvent {
  const id = `${state.uid}/child/${command.run}`;
  const budgets = budgetsOf(state);
  return accepted(state, `child/${command.run}`, state.startedAt, {
    ...envelope(state, id, EVENT_TYPES.runRequested, state.startedAt),
    data: {
      run: command.run,
      team: command.team,
      input: command.input,
      parent: {
        ...command.key,
        namespace: state.namespace,
        run: state.run,
        uid: state.uid,
        ...(budgets.length > 0 && { budgets }),
      },
      depth: state.depth + 1,
      hop: state.hop,
    },
  });
}

/** This run's own budget and its team's, and those of the runs it is nested in. */
export function budgetsOf({ namespace, run, spec, parent }: RunState): readonly BudgetRef[] {
  const { teamRef, maxTokens = 0, limits } = spec;
  const daily = limits?.maxDailyTokens;
  return [
    ...(parent?.budgets ?? []),
    ...(maxTokens === 0 ? [] : [{ key: `run.${namespace}.${run}`, limit: maxTokens }]),
    ...(daily === undefined ? [] : [{ key: `team.${namespace}.${teamRef ?? ""}`, limit: daily, windowMs: DAY_MS }]),
  ];
}

/** What the step of the parent came to. A nested run that failed is not tried again: its own steps were. */
export function childOutcome(state: RunState): StepOutcome | undefined {
  switch (state.phase.kind) {
    case "running":
      return undefined;
    case "succeeded":
      return { kind: "done", output: state.phase.output };
    case "failed":
      return {
        kind: "failed",
        code: `run.${state.phase.reason}`,
        message: `run ${state.run}: ${state.phase.message}`,
        mayPass: false,
      };
  }
}

export function totalUsage(state: RunState): Usage {
  let inputTokens = 0;
  let outputTokens = 0;
  for (const { usage } of Object.values(state.steps)) {
    inputTokens += usage.inputTokens;
    outputTokens += usage.outputTokens;
  }
  return { inputTokens, outputTokens };
}

function envelope(state: RunState, id: string, type: string, at: number): Omit<CloudEventRecord, "data"> {
  return {
    specversion: "1.0",
    id,
    source: arkSource(state.namespace, "arkrun", state.run),
    type,
    subject: state.run,
    time: new Date(at).toISOString(),
    datacontenttype: "application/json",
    extensions: {
      [EXTENSIONS.namespace]: state.namespace,
      [EXTENSIONS.run]: state.run,
      [EXTENSIONS.hop]: state.hop,
      ...(state.spec.teamRef === undefined ? {} : { [EXTENSIONS.team]: state.spec.teamRef }),
      ...(state.spec.agent === undefined ? {} : { [EXTENSIONS.agent]: state.spec.agent }),
      ...(state.event === undefined ? {} : { [EXTENSIONS.event]: state.event }),
      ...(state.traceparent === undefined ? {} : { traceparent: state.traceparent }),
    },
  };
}

function accepted(state: RunState, key: string, at: number, cloudEvent: CloudEventRecord): AcceptedEvent {
  return { namespace: state.namespace, event: OUTBOX_NAME, key, cloudEvent, firedAt: at };
}

/** Long outputs go by reference (F3); `output` is then their beginning. */
function ending(state: RunState): Record<string, unknown> {
  switch (state.phase.kind) {
    case "running":
      return {};
    case "succeeded":
      return { output: previewOf(state.phase.output), ...reference(state.phase.output) };
    case "failed":
      return { reason: state.phase.reason, message: state.phase.message };
  }
}

function reference(text: Text): Record<string, unknown> {
  return "ref" in text ? { outputRef: { digest: text.ref.digest, bytes: text.ref.bytes } } : {};
}
