/**
 * A run in its trace: its span is made when the run has ended, under an id that its steps and nested runs know from the
 * beginning; told twice it is the same span.
 */
import { runTraceparent } from "#core/events/trace-context.ts";
import type { RunState } from "#core/pipeline/state.ts";
import type { Spans } from "#core/ports/spans.ts";

/** What is sent out for a run hangs under the run's own span, where that one will be there. */
export function underOwnSpan(state: RunState, spans: Pick<Spans, "keepsIds">): RunState {
  const traceparent = spans.keepsIds ? runTraceparent(state.traceparent, state.uid) : undefined;
  return traceparent === undefined ? state : { ...state, traceparent };
}

export function traceEnd({ phase, ...state }: RunState, spans: Spans): void {
  const self = runTraceparent(state.traceparent, state.uid);
  if (phase.kind === "running" || self === undefined) return;
  const { teamRef, agent } = state.spec;
  spans.past("ark.run", {
    kind: "internal",
    self,
    // A run that came without a context is the root of its own.
    parent: self === state.traceparent ? undefined : state.traceparent,
    startedAt: state.startedAt,
    endedAt: phase.endedAt,
    error: phase.kind === "failed" ? phase.reason : undefined,
    attributes: {
      "ark.run": state.run,
      "ark.namespace": state.namespace,
      ...(teamRef !== undefined && { "ark.team": teamRef }),
      ...(agent !== undefined && { "ark.agent": agent }),
      ...(state.event !== undefined && { "ark.event": state.event }),
    },
  });
}
