/** Conditions Succeeded and Ready: the same verdict twice, so that `kubectl wait --for=condition=Ready` works too (api 4). */
import type { Condition } from "#core/api/v1alpha1/common.ts";
import type { Graph } from "./graph.ts";
import type { RunState } from "./state.ts";
import { waitingFor } from "./step-words.ts";

type Verdict = Pick<Condition, "status" | "reason" | "message">;

export function conditionsOf(graph: Graph, state: RunState): Condition[] {
  const { generation, phase, startedAt } = state;
  const verdict = verdictOf(graph, state);
  const lastTransitionTime = new Date(phase.kind === "running" ? startedAt : phase.endedAt).toISOString();
  const common = {
    ...verdict,
    lastTransitionTime,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
  return ["Succeeded", "Ready"].map((type) => ({ type, ...common }));
}

function verdictOf(graph: Graph, state: RunState): Verdict {
  const { phase } = state;
  if (phase.kind === "failed") return { status: "False", reason: phase.reason, message: phase.message };
  const steps = Object.values(state.steps);
  const ended = steps.filter((step) => "endedAt" in step).length;
  const count = `${ended} of ${steps.length} steps ended`;
  if (phase.kind === "succeeded") return { status: "True", reason: "Succeeded", message: count };
  return { status: "Unknown", ...openVerdict(graph, state, count) };
}

/** Waiting when nothing is being worked on right now; then the message says for what (P4). */
function openVerdict(graph: Graph, state: RunState, count: string): Pick<Condition, "reason" | "message"> {
  const reasons: string[] = [];
  for (const step of graph.steps) {
    const current = state.steps[step.name];
    if (current?.phase !== "active" && current?.phase !== "backoff") continue;
    const reason = waitingFor(step, current);
    if (reason === undefined) return { reason: "Running", message: count };
    reasons.push(`step ${step.name}: ${reason}`);
  }
  return { reason: "Waiting", message: `${count}; ${reasons.join("; ")}`.slice(0, 32_000) };
}
