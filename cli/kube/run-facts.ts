/**
 * The facts of a run on a cluster: by the front door's record, with the token of the namespace's record, where the user
 * may read that Secret; else by the run's status.
 *
 * R1  A stream that breaks is taken up after the last fact that came, so that every later one comes once.
 *     Where none comes for a while, however often it is taken up, that ends the reading with the error.
 * R2  What has begun from the status goes on from it: its numbers are not those of the record.
 */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { formatDuration } from "#core/duration.ts";
import { ArkError } from "#core/errors.ts";
import type { StoredFact } from "#core/ports/record.ts";
import { RECORD_SECRET } from "#core/runs/record-secret.ts";
import type { Change, FactLine, FactOptions, Key } from "../cluster.ts";
import { jsonLines } from "../ndjson.ts";
import { jsonOf, type DoorAnswer, type FrontDoor } from "./front-door.ts";
import { createPatience, GIVE_UP_MS, type Pace, type Patience } from "./patience.ts";
import { StatusFacts } from "./status-facts.ts";

export type RunFactsDeps = {
  readonly door: FrontDoor;
  readonly get: (run: Key) => Promise<ArkRun | undefined>;
  readonly watch: (run: Key, signal: AbortSignal) => AsyncIterable<Change<"ArkRun">>;
  /** Throws ArkError `server.refused` where the user may not read it. */
  readonly secret: (key: Key) => Promise<Readonly<Record<string, string>> | undefined>;
  /** What the user should know about what is shown. */
  readonly tell: (text: string) => void;
  readonly pace: Pace;
};

type Access = { readonly kind: "token"; readonly token: string } | { readonly kind: "none"; readonly why: string };

/** A sleeping function wakes within this. */
export const ANSWER_MS = 60_000;

export class RunFacts {
  readonly #deps: RunFactsDeps;
  readonly #status = new StatusFacts();
  /** R2: runs whose record is not for this user. */
  readonly #closed = new Set<string>();

  constructor(deps: RunFactsDeps) {
    this.#deps = deps;
  }

  async *read(key: Key, options: FactOptions, signal: AbortSignal): AsyncGenerator<FactLine> {
    const run = await this.#deps.get(key);
    if (run === undefined) {
      const hint = `List what is there: ark get runs -n ${key.namespace}`;
      throw new ArkError("run.not_found", `there is no ArkRun ${key.name} in namespace ${key.namespace}`, hint);
    }
    if (!this.#closed.has(key.name)) {
      const access = await this.#access(key);
      const why = access.kind === "token" ? yield* this.#fromRecord(key, access.token, options, signal) : access.why;
      if (why === undefined) return;
      this.#closed.add(key.name);
      this.#deps.tell(`Shown is what the status of run ${key.name} holds, without turns and tool calls: ${why}.\n`);
    }
    yield* this.#fromStatus(key, run, options, signal);
  }

  /** The output of an ended run, whole; undefined where no token opens the record, or the door does not answer. */
  async output(key: Key, signal: AbortSignal): Promise<string | undefined> {
    const access = await this.#access(key);
    if (access.kind === "none") return undefined;
    try {
      const answer = await this.#ask(key, "output", access.token, signal);
      const { output } = await jsonOf(answer);
      return answer.status === 200 && typeof output === "string" ? output : undefined;
    } catch (error) {
      if (signal.aborted || !(error instanceof ArkError)) throw error;
      return undefined;
    }
  }

  #ask({ namespace, name }: Key, what: string, token: string, signal: AbortSignal): Promise<DoorAnswer> {
    const path = `/record/${namespace}/${name}/${what}`;
    return this.#deps.door.send({ method: "GET", path, token, timeoutMs: ANSWER_MS, signal });
  }

  async #access({ namespace }: Key): Promise<Access> {
    try {
      const token = (await this.#deps.secret({ namespace, name: RECORD_SECRET }))?.["token"];
      return token === undefined
        ? { kind: "none", why: `namespace ${namespace} has no Secret ${RECORD_SECRET}, whose token opens the record` }
        : { kind: "token", token };
    } catch (error) {
      if (!(error instanceof ArkError && error.code === "server.refused")) throw error;
      return { kind: "none", why: `you may not read Secret ${RECORD_SECRET}, whose token opens the record` };
    }
  }

  async *#fromStatus(key: Key, run: ArkRun, options: FactOptions, signal: AbortSignal): AsyncGenerator<FactLine> {
    let fromSeq = options.fromSeq ?? 1;
    const grown = (now: ArkRun) => {
      const facts = this.#status.read(now, fromSeq);
      fromSeq = Math.max(fromSeq, ...facts.map(({ seq }) => seq + 1));
      return facts;
    };
    yield* grown(run);
    if (!options.follow || signal.aborted) return;
    for await (const { type, object } of this.#deps.watch(key, signal)) {
      if (type === "deleted") return;
      yield* grown(object);
    }
  }

  /** R1. Why the door shows nothing, or undefined once all was read. */
  async *#fromRecord(
    key: Key,
    token: string,
    { follow, fromSeq = 1, whole = false }: FactOptions,
    signal: AbortSignal,
  ): AsyncGenerator<FactLine, string | undefined> {
    let next = fromSeq;
    let hasBegun = false;
    const patience = createPatience(this.#deps.pace);
    while (!signal.aborted) {
      const query = new URLSearchParams({ follow: String(follow), fromSeq: String(next), whole: String(whole) });
      const opened = await this.#open(key, query, token, signal);
      if (opened.kind === "refused" && !hasBegun) return opened.error.message;
      hasBegun = true;
      const broken = yield* lines(opened, patience, signal, (seq) => (next = seq + 1));
      // Who follows has come to the end when the run has: its signal says so.
      if (broken === undefined && !follow) return undefined;
      if (!(await patience.again(signal)) && !signal.aborted) throw gaveUp(key, broken);
    }
    return undefined;
  }

  async #open(key: Key, query: URLSearchParams, token: string, signal: AbortSignal): Promise<Opened> {
    try {
      const answer = await this.#ask(key, `facts?${query.toString()}`, token, signal);
      if (answer.status === 200) return { kind: "stream", answer };
      const { detail, title } = await jsonOf(answer);
      const said = [detail, title].find((text) => typeof text === "string") ?? "no reason given";
      const hint = "Check it with `ark doctor`.";
      const error = new ArkError("server.refused", `the front door answered ${answer.status}: ${said}`, hint);
      return { kind: "refused", error };
    } catch (error) {
      if (error instanceof ArkError) return { kind: "refused", error };
      if (signal.aborted) return { kind: "refused", error: new ArkError("interrupted", "stopped", "Nothing to do.") };
      throw error;
    }
  }
}

type Opened =
  | { readonly kind: "stream"; readonly answer: DoorAnswer }
  | { readonly kind: "refused"; readonly error: ArkError };

/** What kept it from its own end, if anything did (R1). */
async function* lines(
  opened: Opened,
  patience: Patience,
  signal: AbortSignal,
  onSeq: (seq: number) => void,
): AsyncGenerator<StoredFact, ArkError | undefined> {
  if (opened.kind === "refused") return opened.error;
  patience.opened();
  try {
    for await (const line of jsonLines(opened.answer.body)) {
      // What the door writes is what the record holds: one product, one version of facts.
      const stored = line as StoredFact;
      onSeq(stored.seq);
      patience.progress();
      yield stored;
    }
  } catch (error) {
    if (error instanceof ArkError) return error;
    if (!signal.aborted) throw error;
  }
  return undefined;
}

function gaveUp({ name }: Key, broken: ArkError | undefined): ArkError {
  const why = broken?.message ?? "the front door ends its answers";
  return new ArkError(
    broken?.code ?? "server.unreachable",
    `nothing more of the record of run ${name} came within ${formatDuration(GIVE_UP_MS)}: ${why}`,
    `Check the front door with \`ark doctor\`, then read on with \`ark logs ${name}\`.`,
    { cause: broken },
  );
}
