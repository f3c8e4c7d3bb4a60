/**
 * The webhook function: `POST /triggers/{namespace}/{name}` fires, `GET /runs/{namespace}/{run}` looks (api 13).
 *
 * W1  Order: size, rate, authentication, everything else. A wrong token, an unknown event and an event of another type
 *     answer alike (D38).
 * W2  Everything that can be refused is refused before anything is stored (P10, D37, D46).
 * W3  2xx is said after the event is stored, never before (P1).
 * W4  No access to Kubernetes: `ark-triggers` says all there is to know, also while the API server is away (P8).
 */
import { rfc3339 } from "#core/events/trigger-context.ts";
import type { TriggerRecord } from "#core/ports/events.ts";
import { unlessAway } from "#core/ports/unless-away.ts";
import type { HttpReply, HttpRequest, Route } from "#platform/http/exchange.ts";
import { answerSse, answerSync } from "./answers.ts";
import { inputFault } from "./check-inputs.ts";
import { countFires } from "./count-fires.ts";
import type { WebhookDeps } from "./deps.ts";
import { authenticate, overRate } from "./doors.ts";
import { claimFire, storeFire, type ClaimedFire, type FireResult } from "./fire.ts";
import * as problems from "./problems.ts";
import { readMode, type Mode } from "./query.ts";
import { readFires, type Fire } from "./read-fires.ts";
import { readRun, readRunEvents } from "./runs.ts";
import { traced } from "./trace.ts";

const MAX_BODY_BYTES = 1024 * 1024;

export function webhookRoutes(deps: WebhookDeps): readonly Route[] {
  const guarded = (work: () => Promise<HttpReply>) => unlessAway(work, problems.notReady, deps.log);
  const post = (request: HttpRequest) =>
    traced(request, deps, (traceparent) => guarded(() => handleFire(request, traceparent, deps)));
  return [
    { method: "POST", path: "/triggers/:namespace/:name", maxBodyBytes: MAX_BODY_BYTES, handle: post },
    { method: "POST", path: "/triggers/:namespace/:name/fire", maxBodyBytes: MAX_BODY_BYTES, handle: post },
    { method: "GET", path: "/runs/:namespace/:run", handle: (request) => guarded(() => readRun(request, deps)) },
    {
      method: "GET",
      path: "/runs/:namespace/:run/events",
      handle: (request) => guarded(() => readRunEvents(request, deps)),
    },
  ];
}

async function handleFire(request: HttpRequest, traceparent: string, deps: WebhookDeps): Promise<HttpReply> {
  if (request.declaredBytes > MAX_BODY_BYTES) return problems.tooLarge(MAX_BODY_BYTES);
  const limited = overRate(`${request.params["namespace"]}/${request.params["name"]}`, deps);
  if (limited !== undefined) return limited;
  const trigger = await authenticate(request, deps);
  if (trigger === undefined) return problems.unauthorized;
  if (trigger.suspended) {
    countFires(trigger, "skipped", 1, deps);
    return problems.suspended;
  }
  const mode = readMode(request.query);
  if (mode.kind === "refused") return mode.problem;
  const read = await readFires(request, deps);
  if (read.kind === "refused") return read.problem;
  const fault = read.fires.map(({ body }) => inputFault(trigger.targets, body)).find((found) => found !== undefined);
  if (fault !== undefined) return problems.invalidInput(fault.field, fault.detail);
  return fireAll(trigger, { fires: read.fires, mode: mode.mode, traceparent }, request, deps);
}

type Asked = { readonly fires: readonly Fire[]; readonly mode: Mode; readonly traceparent: string };

async function fireAll(
  trigger: TriggerRecord,
  { fires, mode, traceparent }: Asked,
  request: HttpRequest,
  deps: WebhookDeps,
): Promise<HttpReply> {
  const claimed: ClaimedFire[] = [];
  for (const one of fires) {
    const claim = await claimFire(trigger, one, deps);
    if (claim === "mismatch") return problems.idempotencyMismatch;
    claimed.push(claim);
  }
  const results: FireResult[] = [];
  for (const one of claimed) results.push(await storeFire(trigger, one, traceparent, deps));
  return answer(trigger, results, mode, request, deps);
}

function answer(
  trigger: TriggerRecord,
  results: readonly FireResult[],
  mode: Mode,
  request: HttpRequest,
  deps: WebhookDeps,
): HttpReply | Promise<HttpReply> {
  const fired = results.filter((result) => result.kind === "fired");
  countFires(trigger, "skipped", results.length - fired.length, deps);
  countFires(trigger, "duplicate", fired.filter(({ replayed }) => replayed).length, deps);
  const [first] = fired;
  if (first === undefined) return answerHeld(trigger, results, mode, deps);
  const { namespace } = trigger;
  const runs = fired.flatMap((result) => result.runs);
  const headers = {
    location: problems.runLocation(namespace, runs[0] ?? ""),
    ...(fired.every(({ replayed }) => replayed) ? { "idempotency-replayed": "true" } : {}),
  };
  switch (mode.kind) {
    case "async":
      return { kind: "json", status: 202, headers, body: accepted(trigger, first.firedAt, runs) };
    case "sync":
      return answerSync({ namespace, runs, timeoutMs: mode.timeoutMs, headers }, request, deps);
    case "sse":
      return answerSse({ namespace, runs, timeoutMs: mode.timeoutMs, headers }, request, deps);
  }
}

function accepted({ name, targets }: TriggerRecord, firedAt: number, runs: readonly string[]): Record<string, unknown> {
  return { fired: true, firedAt: rfc3339(firedAt), trigger: name, targets: targets.length, runs };
}

function answerHeld(trigger: TriggerRecord, results: readonly FireResult[], mode: Mode, deps: WebhookDeps): HttpReply {
  if (mode.kind !== "async") return problems.concurrencyForbidden(results.flatMap(({ runs }) => runs));
  const body = { ...accepted(trigger, deps.now(), []), fired: false, reason: problems.FORBIDDEN };
  return { kind: "json", status: 202, headers: problems.skipped("ConcurrencyForbidden"), body };
}
