/** `GET /runs/{namespace}/{run}`: any process answers for any run, for whoever has the token of its event (D37). */
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import type { RunState } from "#core/pipeline/state.ts";
import { endOfRun } from "#core/ports/follow-run.ts";
import { readWait } from "#core/runs/wait-query.ts";
import type { HttpReply, HttpRequest } from "#platform/http/exchange.ts";
import type { WebhookDeps } from "./deps.ts";
import { overRate } from "./doors.ts";
import { eventOfRun } from "./fire.ts";
import * as problems from "./problems.ts";
import { runView } from "./run-view.ts";
import { parseLastEventId, runStream } from "./stream.ts";

type Access =
  | { readonly kind: "granted"; readonly namespace: string; readonly run: string; readonly state: RunState | undefined }
  | { readonly kind: "refused"; readonly reply: HttpReply };

export async function readRun(request: HttpRequest, deps: WebhookDeps): Promise<HttpReply> {
  const access = await enter(request, deps);
  if (access.kind === "refused") return access.reply;
  const waitMs = readWait(request.query, "wait");
  if (waitMs === "bad") return problems.badTimeout("wait");
  const { namespace, run } = access;
  let { state } = access;
  if (waitMs !== undefined) {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(waitMs)]);
    state = (await endOfRun({ namespace, run }, deps, signal)) ?? state;
  }
  return { kind: "json", status: 200, body: await runView(run, state, deps) };
}

export async function readRunEvents(request: HttpRequest, deps: WebhookDeps): Promise<HttpReply> {
  const access = await enter(request, deps);
  if (access.kind === "refused") return access.reply;
  const last = parseLastEventId(request.headers["last-event-id"]);
  // 204 tells an EventSource not to come again (WHATWG HTML 9.2.3).
  if (last === "seen-all") return { kind: "empty", status: 204 };
  const { namespace, run } = access;
  return { kind: "sse", events: runStream({ namespace, run }, last.after, deps, request.signal) };
}

async function enter(request: HttpRequest, deps: WebhookDeps): Promise<Access> {
  const { namespace = "", run = "" } = request.params;
  const limited = overRate(`runs/${namespace}/${run}`, deps);
  if (limited !== undefined) return { kind: "refused", reply: limited };
  const named = DNS_LABEL.test(namespace) && DNS_LABEL.test(run);
  const known = named ? await lookUp(namespace, run, deps) : undefined;
  return deps.authorized(request.headers["authorization"], known?.tokenDigest)
    ? { kind: "granted", namespace, run, state: known?.state }
    : { kind: "refused", reply: problems.unauthorized };
}

/** Undefined where nothing says which event started the run. */
async function lookUp(
  namespace: string,
  run: string,
  deps: WebhookDeps,
): Promise<{ state: RunState | undefined; tokenDigest: string | undefined } | undefined> {
  const state = (await deps.states.get({ namespace, run }))?.state;
  const event = state === undefined ? await eventOfRun(namespace, run, deps) : state.event;
  if (event === undefined) return undefined;
  return { state, tokenDigest: (await deps.triggers.get(namespace, event))?.tokenDigest };
}
