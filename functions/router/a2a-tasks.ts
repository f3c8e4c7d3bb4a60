/** The tasks of a service, as Agent2Agent knows them: a task is a run, and its context the client's session. */
import type { RunState } from "#core/pipeline/state.ts";
import { followRun, hasEnded } from "#core/ports/follow-run.ts";
import type { ServiceRecord } from "#core/ports/services.ts";
import { runAnswer, type RunAnswer } from "#core/runs/run-answer.ts";
import { LONGEST_WAIT_MS } from "#core/runs/wait-query.ts";
import type { Given } from "#platform/a2a/given.ts";
import type { A2aTask, A2aTasks } from "#platform/a2a/server.ts";
import type { HttpRequest } from "#platform/http/exchange.ts";
import type { Balance } from "./balance.ts";
import type { RouterDeps } from "./deps.ts";
import { cancel, isTaken, waitForEnd } from "./follow.ts";
import { ownState } from "./own-state.ts";
import { take } from "./take.ts";
import { contextOf } from "./trace.ts";

export function a2aTasks(service: ServiceRecord, request: HttpRequest, deps: RouterDeps, balance: Balance): A2aTasks {
  const { namespace } = service;
  // Whoever waits longer comes again: the task is there.
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(LONGEST_WAIT_MS)]);
  return {
    // A message has a name of its own: sent again after a broken connection, it is the same task (P1).
    send: async (given) => {
      const task = { prompt: given.text, session: given.contextId };
      const taken = await take(
        service,
        task,
        { name: `message\n${given.messageId}`, ...contextOf(request.headers) },
        deps,
        balance,
      );
      if (taken.kind === "mismatch") return "mismatch";
      return { id: taken.run, awake: taken.awake, contextId: given.contextId };
    },
    get: async (id) => {
      const known = await ownState(service, id, deps);
      return known === "unknown" ? undefined : taskOf(id, known.state, deps);
    },
    wait: async ({ id, awake }, given) => {
      const wait = () => waitForEnd({ namespace, run: id }, deps, signal, awake ? undefined : deps.wakeMs);
      const waited = await balance.during(id, wait);
      if (waited.kind === "withdrawn") return withdrawn(id, given, service, deps);
      return { ...(await taskOf(id, waited.state, deps)), contextId: given.contextId };
    },
    async *follow(id) {
      const letGo = balance.hold(id);
      let last: RunState | undefined;
      let told: A2aTask["state"] | undefined;
      try {
        for await (const state of followRun({ namespace, run: id }, deps, signal)) {
          last = state;
          const task = await taskOf(id, state, deps);
          if (task.state !== told) yield task;
          told = task.state;
        }
      } finally {
        letGo(last !== undefined && hasEnded(last));
      }
    },
    cancel: (id) => cancelTask(service, id, signal, deps),
  };
}

async function cancelTask(
  service: ServiceRecord,
  id: string,
  signal: AbortSignal,
  deps: RouterDeps,
): ReturnType<A2aTasks["cancel"]> {
  const known = await ownState(service, id, deps);
  if (known === "unknown") return "unknown";
  const { namespace } = service;
  const run = { namespace, run: id };
  for await (const state of followRun(run, deps, signal)) {
    if (hasEnded(state)) return "ended";
    await cancel(state, "cancelled by its client", deps);
    break;
  }
  const waited = await waitForEnd(run, deps, signal);
  return taskOf(id, waited.kind === "withdrawn" ? undefined : waited.state, deps);
}

function withdrawn(id: string, { contextId }: Given, { agent }: ServiceRecord, deps: RouterDeps): A2aTask {
  const message = `No instance of agent ${agent} became ready: the task was withdrawn. Send it again later.`;
  return { id, contextId, state: "failed", message, at: deps.now() };
}

async function taskOf(id: string, state: RunState | undefined, deps: RouterDeps): Promise<A2aTask> {
  if (state === undefined) return { id, contextId: id, state: "submitted", at: deps.now() };
  const contextId = state.via?.session ?? id;
  const answer = await runAnswer(state, deps.outputs);
  return answer === undefined
    ? { id, contextId, state: isTaken(state) ? "working" : "submitted", at: state.startedAt }
    : { id, contextId, ...ending(state.phase, answer) };
}

function ending(phase: RunState["phase"], { output, error, tokenUsage }: RunAnswer): Omit<A2aTask, "id" | "contextId"> {
  const metadata = { tokenUsage };
  const at = phase.kind === "running" ? 0 : phase.endedAt;
  if (phase.kind !== "failed") {
    const said = output === undefined ? { message: error?.message ?? "" } : { output };
    return { state: "completed", ...said, at, metadata };
  }
  return { state: phase.reason === "Cancelled" ? "canceled" : "failed", message: error?.message ?? "", at, metadata };
}
