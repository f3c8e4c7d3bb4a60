/**
 * `GET /record/{namespace}/{run}/facts` and `…/output`: what a run did, turns and tool calls included, for whoever has the
 * token of the namespace's record.
 *
 * R1  A wrong token, a namespace without one and a run that is not there answer alike to whoever has none: 401.
 * R2  Token, then rate, then the record; so many readers at a time, each for a while: it comes again by `fromSeq`. Whole
 *     outputs are in memory, several times each: fewer of them at a time. A namespace is refused by its own rate before
 *     it takes of the total: whoever reads it without end keeps nobody from the others.
 * R3  What cannot be reached is 503 before the first line, and a broken stream after it; so is what the time of its
 *     reader or the end of the process cuts short. An end says that there was no more.
 * R4  Wrong tokens have a rate of their own for each namespace: it bounds guesses, and no reader of the namespace meets it.
 */
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import type { Logger } from "#core/ports/log.ts";
import { type FactLog, type Outputs, type RunStates, StoreUnavailable } from "#core/ports/record.ts";
import { unlessLost } from "#core/ports/unless-lost.ts";
import { readFacts, readingOf } from "#core/runs/read-facts.ts";
import { type App, createApp } from "#platform/http/app.ts";
import { bearerToken, tokenMatches } from "#platform/http/bearer.ts";
import type { HttpProblem, HttpReply, HttpRequest, RateLimit, RateVerdict, Route } from "#platform/http/exchange.ts";
import type { RecordDigest } from "../record-tokens.ts";

export type RecordDeps = {
  readonly facts: Pick<FactLog, "history" | "watch">;
  readonly outputs: Pick<Outputs, "load">;
  readonly states: Pick<RunStates, "get">;
  readonly digestOf: (namespace: string) => Promise<RecordDigest>;
  /** Of readers, by namespace and in all, and of wrong tokens by namespace. */
  readonly rate: { readonly total: RateLimit; readonly perNamespace: RateLimit; readonly wrong: RateLimit };
  readonly log: Logger;
  /** Ends every reader: it comes again, to another replica. */
  readonly signal: AbortSignal;
  readonly maxReaders?: number;
  readonly maxOutputs?: number;
  readonly maxOutputBytes?: number;
  readonly maxMs?: number;
};

/** Longer texts stay references: the operator has little memory. */
const MAX_TEXT_BYTES = 512 * 1024;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const MAX_READERS = 32;
const MAX_OUTPUTS = 2;
const MAX_MS = 60 * 60_000;

export function createRecord(deps: RecordDeps): App {
  const ofFacts = createReaders(deps.maxReaders ?? MAX_READERS);
  const ofOutputs = createReaders(deps.maxOutputs ?? MAX_OUTPUTS);
  const route = (path: string, read: Reading, readers: Readers): Route => ({
    method: "GET",
    path: `/record/:namespace/:run/${path}`,
    handle: (request) => enter(request, deps, readers, read),
  });
  const routes = [route("facts", factsReply, ofFacts), route("output", outputReply, ofOutputs)];
  return createApp({ routes, ready: () => true, log: deps.log, signal: deps.signal });
}

type Reading = (request: HttpRequest, run: Run, deps: RecordDeps) => HttpReply | Promise<HttpReply>;
type Run = { readonly namespace: string; readonly run: string };

/** R2, R3, R4. */
async function enter(request: HttpRequest, deps: RecordDeps, readers: Readers, read: Reading): Promise<HttpReply> {
  const { namespace = "", run = "" } = request.params;
  try {
    const refused = await refuse(request, namespace, deps);
    if (refused !== undefined) return refused;
    if (!DNS_LABEL.test(run)) return notFound;
    if (!readers.take(request.signal)) return tooMany(AGAIN_SECONDS);
    return await read(request, { namespace, run }, deps);
  } catch (error) {
    if (error instanceof StoreUnavailable) return notReady;
    throw error;
  }
}

async function refuse(request: HttpRequest, namespace: string, deps: RecordDeps): Promise<HttpProblem | undefined> {
  const { rate } = deps;
  const isName = DNS_LABEL.test(namespace);
  const known = isName ? await deps.digestOf(namespace) : undefined;
  if (known?.kind === "busy") return tooMany(known.retryAfterSeconds);
  const isRight = tokenMatches(bearerToken(request.headers["authorization"]), known?.digest);
  const verdict = take(rate, isRight, isName ? namespace : "");
  if (verdict.kind === "refused") return tooMany(verdict.retryAfterSeconds);
  return isRight ? undefined : unauthorized;
}

function take({ total, perNamespace, wrong }: RecordDeps["rate"], isRight: boolean, namespace: string): RateVerdict {
  if (!isRight) return wrong.take(namespace);
  const own = perNamespace.take(namespace);
  return own.kind === "refused" ? own : total.take("");
}

function factsReply(request: HttpRequest, run: Run, deps: RecordDeps): HttpReply {
  const reading = readingOf((name) => request.query.get(name));
  if (reading === undefined) return badFromSeq;
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(deps.maxMs ?? MAX_MS)]);
  return { kind: "ndjson", lines: readFacts(run, reading, { ...deps, maxTextBytes: MAX_TEXT_BYTES }, signal) };
}

async function outputReply(_request: HttpRequest, run: Run, deps: RecordDeps): Promise<HttpReply> {
  const { states, outputs, maxOutputBytes = MAX_OUTPUT_BYTES } = deps;
  const known = await states.get(run);
  if (known?.state.phase.kind !== "succeeded") return notFound;
  const { output } = known.state.phase;
  if ("ref" in output && output.ref.bytes > maxOutputBytes) return tooLarge(maxOutputBytes);
  return unlessLost<HttpReply>(
    async () => ({ kind: "json", status: 200, body: { output: await outputs.load(run, output) } }),
    () => notFound,
  );
}

type Readers = { readonly take: (until: AbortSignal) => boolean };

function createReaders(most: number): Readers {
  let reading = 0;
  return {
    take: (until) => {
      if (reading >= most || until.aborted) return false;
      reading += 1;
      until.addEventListener("abort", () => void (reading -= 1), { once: true });
      return true;
    },
  };
}

const AGAIN_SECONDS = 5;

function problem(status: number, code: string, detail: string, headers: Record<string, string> = {}): HttpProblem {
  return { kind: "problem", status, code, detail, headers };
}

const unauthorized = problem(401, "unauthorized", "Send the token of the namespace's Secret ark-record-token.", {
  "www-authenticate": "Bearer",
});
const notFound = problem(404, "not-found", "Nothing is recorded of such a run, or it has no output.");
const badFromSeq = problem(400, "bad-from-seq", "`fromSeq` is a whole number from 1 on.");
const tooLarge = (bytes: number): HttpProblem => problem(413, "too-large", `The output has more than ${bytes} bytes.`);
const notReady = problem(503, "not-ready", "The record cannot be reached.", { "retry-after": String(AGAIN_SECONDS) });

function tooMany(seconds: number): HttpProblem {
  return problem(429, "rate-limited", "Too many readers: come again.", { "retry-after": String(seconds) });
}
