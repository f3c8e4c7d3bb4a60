/** Tasks over HTTP: `POST /`, `POST /task`, and `GET /tasks/{taskID}` for those that did not wait (api 5). */
import type { RunState } from "#core/pipeline/state.ts";
import { endOfRun } from "#core/ports/follow-run.ts";
import type { ServiceRecord } from "#core/ports/services.ts";
import { runAnswer, usageOf } from "#core/runs/run-answer.ts";
import { DEFAULT_WAIT_MS, readWait } from "#core/runs/wait-query.ts";
import type { HttpProblem, HttpReply, HttpRequest } from "#platform/http/exchange.ts";
import type { Balance } from "./balance.ts";
import type { RouterDeps } from "./deps.ts";
import { waitForEnd } from "./follow.ts";
import * as problems from "./problems.ts";
import { ownState } from "./own-state.ts";
import { readTask } from "./read-task.ts";
import { take, type TakeOptions } from "./take.ts";
import { contextOf } from "./trace.ts";

export type At = {
  readonly service: ServiceRecord;
  /** Before the paths of this service, without a closing slash. */
  readonly base: string;
};

type Mode = { readonly mode: "sync" | "async"; readonly timeoutMs: number };

const MAX_KEY_CHARS = 255;

export async function postTask(
  body: Readonly<Record<string, unknown>>,
  request: HttpRequest,
  at: At,
  deps: RouterDeps,
  balance: Balance,
): Promise<HttpReply> {
  const mode = readMode(request.query);
  if ("kind" in mode) return mode;
  const options = readOptions(request.headers);
  if ("kind" in options) return options;
  const read = readTask(body);
  if (read.kind === "refused") return read.problem;
  const taken = await take(at.service, read.task, options, deps, balance);
  if (taken.kind === "mismatch") return problems.idempotencyMismatch;
  const headers = {
    location: `${at.base}/tasks/${taken.run}`,
    ...(taken.replayed ? { "idempotency-replayed": "true" } : {}),
  };
  if (mode.mode === "sync") return answerSync(taken, mode.timeoutMs, headers, request, at, deps, balance);
  return { kind: "json", status: 202, headers, body: { taskID: taken.run, status: "accepted" } };
}

function readOptions(headers: HttpRequest["headers"]): TakeOptions | HttpProblem {
  const key = headers["idempotency-key"];
  if (key !== undefined && (key === "" || key.length > MAX_KEY_CHARS))
    return problems.invalidInput("Idempotency-Key", `Idempotency-Key has 1 to ${MAX_KEY_CHARS} characters.`);
  return { ...(key !== undefined && { name: `key\n${key}` }), ...contextOf(headers) };
}

async function answerSync(
  { run, awake }: { readonly run: string; readonly awake: boolean },
  timeoutMs: number,
  headers: { readonly location: string },
  request: HttpRequest,
  { service }: At,
  deps: RouterDeps,
  balance: Balance,
): Promise<HttpReply> {
  const since = deps.now();
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  const name = { namespace: service.namespace, run };
  const wait = () => waitForEnd(name, deps, signal, awake ? undefined : deps.wakeMs);
  const waited = await balance.during(run, wait);
  if (waited.kind === "waiting") return problems.timedOut(headers.location, run, deps.now() - since);
  if (waited.kind === "withdrawn") return problems.nobodyReady(service.agent, run);
  return { kind: "json", status: 200, headers, body: await ended(waited.state, deps) };
}

/** A run that failed is an answer too, as it is for a sync webhook (api 13). */
async function ended(state: RunState, deps: RouterDeps): Promise<Record<string, unknown>> {
  const answer = await runAnswer(state, deps.outputs);
  const { runName: taskID, ...rest } = answer ?? { runName: state.run };
  return { taskID, ...rest, ...(state.via?.session === undefined ? {} : { sessionId: state.via.session }) };
}

export async function readTaskRun(request: HttpRequest, { service }: At, deps: RouterDeps): Promise<HttpReply> {
  const run = request.params["task"] ?? "";
  const waitMs = readWait(request.query, "wait");
  if (waitMs === "bad") return problems.badTimeout("wait");
  const known = await ownState(service, run, deps);
  if (known === "unknown") return problems.noSuchTask;
  let { state } = known;
  if (waitMs !== undefined) {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(waitMs)]);
    state = (await endOfRun({ namespace: service.namespace, run }, deps, signal)) ?? state;
  }
  return { kind: "json", status: 200, body: await view(run, state, deps) };
}

async function view(run: string, state: RunState | undefined, deps: RouterDeps): Promise<Record<string, unknown>> {
  if (state === undefined) return { taskID: run, status: "accepted" };
  if (state.phase.kind === "running") return { taskID: run, status: "running", tokenUsage: usageOf(state) };
  return ended(state, deps);
}

function readMode(query: URLSearchParams): Mode | HttpProblem {
  const mode = query.get("mode") ?? "sync";
  if (mode !== "sync" && mode !== "async") return problems.badMode;
  const timeoutMs = readWait(query, "timeout") ?? DEFAULT_WAIT_MS;
  return timeoutMs === "bad" ? problems.badTimeout("timeout") : { mode, timeoutMs };
}
