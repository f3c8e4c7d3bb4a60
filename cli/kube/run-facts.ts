/**
 * The facts of a run on a cluster: by the front door's stream with the token of the run's event, where the user may
 * read that Secret; else by the run's status.
 *
 * R1  A stream that breaks is taken up after the last fact that came (B1).
 * R2  Without `follow` it ends once all that the status showed at the beginning has come.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { ArkError } from "#core/errors.ts";
import type { Fact } from "#core/events/facts.ts";
import { LABELS } from "#core/runs/run-object.ts";
import type { Change, FactLine, FactOptions, Key } from "../cluster.ts";
import { serverSentEvents } from "../sse.ts";
import { jsonOf, type DoorAnswer, type FrontDoor } from "./front-door.ts";
import { LAST, RunEvents } from "./run-events.ts";
import { factsOfStatus, StatusFacts } from "./status-facts.ts";

export type RunFactsDeps = {
  readonly door: FrontDoor;
  readonly get: (run: Key) => Promise<ArkRun | undefined>;
  readonly watch: (run: Key, signal: AbortSignal) => AsyncIterable<Change<"ArkRun">>;
  /** Throws ArkError `server.refused` where the user may not read it. */
  readonly secret: (key: Key) => Promise<Readonly<Record<string, string>> | undefined>;
  /** What the user should know about what is shown. */
  readonly tell: (text: string) => void;
};

type Access = { readonly kind: "token"; readonly token: string } | { readonly kind: "none"; readonly why: string };

/** A sleeping function wakes within this. */
export const ANSWER_MS = 60_000;
const SNAPSHOT_MS = 5_000;
const AGAIN_MS = 1_000;
const MAX_FAILURES = 5;

export class RunFacts {
  readonly #deps: RunFactsDeps;
  readonly #status = new StatusFacts();
  readonly #told = new Set<string>();

  constructor(deps: RunFactsDeps) {
    this.#deps = deps;
  }

  async *read(key: Key, options: FactOptions, signal: AbortSignal): AsyncGenerator<FactLine> {
    const run = await this.#deps.get(key);
    if (run === undefined) {
      const hint = `List what is there: ark get runs -n ${key.namespace}`;
      throw new ArkError("run.not_found", `there is no ArkRun ${key.name} in namespace ${key.namespace}`, hint);
    }
    const access = await this.#access(run, key);
    if (access.kind === "token") {
      const refused = yield* this.#fromDoor(run, access.token, options, signal);
      if (refused === undefined) return;
      this.#tell(key, refused);
    } else this.#tell(key, access.why);
    yield* this.#fromStatus(key, run, options, signal);
  }

  /** The output of an ended run, whole; undefined where no token opens it, or the door does not answer. */
  async output(key: Key, signal: AbortSignal): Promise<string | undefined> {
    const run = await this.#deps.get(key);
    const access = run === undefined ? undefined : await this.#access(run, key);
    if (access?.kind !== "token") return undefined;
    const path = `/runs/${key.namespace}/${key.name}`;
    const { token } = access;
    try {
      const answer = await this.#deps.door.send({ method: "GET", path, token, timeoutMs: ANSWER_MS, signal });
      const { output } = await jsonOf(answer);
      return answer.status === 200 && typeof output === "string" ? output : undefined;
    } catch (error) {
      if (signal.aborted || !(error instanceof ArkError)) throw error;
      return undefined;
    }
  }

  async #access({ metadata: { labels = {} } }: ArkRun, { namespace, name }: Key): Promise<Access> {
    const event = labels[LABELS.event];
    if (event === undefined) return { kind: "none", why: `no event started run ${name}, so no token opens its record` };
    const secret = `${event}-webhook-token`;
    try {
      const token = (await this.#deps.secret({ namespace, name: secret }))?.["token"];
      return token === undefined
        ? { kind: "none", why: `there is no Secret ${secret}, whose token opens the record` }
        : { kind: "token", token };
    } catch (error) {
      if (!(error instanceof ArkError && error.code === "server.refused")) throw error;
      return { kind: "none", why: `you may not read Secret ${secret}, whose token opens the record` };
    }
  }

  #tell({ name }: Key, why: string): void {
    if (this.#told.has(name)) return;
    this.#told.add(name);
    this.#deps.tell(`Shown is what the status of run ${name} holds, without turns and tool calls: ${why}.\n`);
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
  async *#fromDoor(
    run: ArkRun,
    token: string,
    options: FactOptions,
    signal: AbortSignal,
  ): AsyncGenerator<FactLine, string | undefined> {
    const reading = new Reading(run, options);
    for (let failures = 0; !reading.isOver && !signal.aborted;) {
      const opened = await this.#open(run.metadata, token, reading.after, signal);
      if (opened.kind === "nothing") return undefined;
      if (opened.kind === "refused") return opened.why;
      if (opened.kind === "stream") {
        failures = 0;
        yield* reading.lines(opened.answer, signal);
      } else {
        if (!reading.hasBegun) return opened.error.message;
        failures += 1;
        if (failures >= MAX_FAILURES) throw opened.error;
      }
      if (!reading.isOver) await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  async #open(
    { namespace, name }: ArkRun["metadata"],
    token: string,
    after: number,
    signal: AbortSignal,
  ): Promise<Opened> {
    try {
      const path = `/runs/${namespace}/${name}/events`;
      const headers: Record<string, string> = after > 0 ? { "last-event-id": String(after) } : {};
      const answer = await this.#deps.door.send({ method: "GET", path, token, headers, timeoutMs: ANSWER_MS, signal });
      return await openedBy(answer);
    } catch (error) {
      if (signal.aborted) return { kind: "nothing" };
      if (error instanceof ArkError) return { kind: "away", error };
      throw error;
    }
  }
}

async function openedBy(answer: DoorAnswer): Promise<Opened> {
  if (answer.status === 200) return { kind: "stream", answer };
  if (answer.status === 204) return { kind: "nothing" };
  const { detail, title } = await jsonOf(answer);
  const said = [detail, title].find((text) => typeof text === "string") ?? "no reason given";
  return { kind: "refused", why: `the front door answered ${answer.status}: ${said}` };
}

type Opened =
  | { readonly kind: "stream"; readonly answer: DoorAnswer }
  /** The reader has seen all. */
  | { readonly kind: "nothing" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "away"; readonly error: ArkError };

/** One reader of a run's stream, over as many connections as it takes. */
class Reading {
  readonly #events: RunEvents;
  readonly #options: FactOptions;
  readonly #expected: Expected | undefined;
  /** The last fact that came. */
  after: number;
  hasBegun = false;
  isOver = false;

  constructor(run: ArkRun, options: FactOptions) {
    this.#events = new RunEvents(run);
    this.#options = options;
    this.#expected = options.follow ? undefined : new Expected(run);
    this.after = (options.fromSeq ?? 1) - 1;
  }

  async *lines(answer: DoorAnswer, signal: AbortSignal): AsyncGenerator<FactLine> {
    const once = this.#expected !== undefined;
    const stop = once ? AbortSignal.any([signal, AbortSignal.timeout(SNAPSHOT_MS)]) : signal;
    for await (const event of serverSentEvents(until(answer.body, stop))) {
      const line = this.#events.read(event);
      this.#note(event.event, line);
      if (line !== undefined && isWanted(line, this.#options)) yield line;
      if (this.isOver) return;
    }
    // R2: the time for what the status showed is over, or the connection was cut while it was read.
    if (once) this.isOver = true;
  }

  #note(event: string, line: FactLine | undefined): void {
    this.hasBegun = true;
    this.isOver = LAST.test(event) || this.#expected?.isComplete(line) === true;
    if (line !== undefined && "seq" in line) this.after = Math.max(this.after, line.seq);
  }
}

function isWanted(line: FactLine, { fromSeq = 1, tokens = false }: FactOptions): boolean {
  return "tokens" in line ? tokens : line.seq >= fromSeq;
}

async function* until(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  const aborted = new Promise<"aborted">((resolve) => {
    if (signal.aborted) resolve("aborted");
    else signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), aborted]);
      if (next === "aborted" || next.done === true) return;
      yield next.value;
    }
  } catch {
    // R1: what was cut off comes again.
  } finally {
    // Ends the connection; a body that hangs is not waited for.
    void Promise.resolve(chunks.return?.()).catch(() => undefined);
  }
}

/** R2. */
class Expected {
  readonly #missing: Set<string>;

  constructor(run: ArkRun) {
    const ended = run.status?.completionTime !== undefined;
    // An ended run's stream ends by itself.
    this.#missing = new Set(ended ? ["the end"] : factsOfStatus(run).map(idOf));
  }

  isComplete(line: FactLine | undefined): boolean {
    if (line !== undefined && "fact" in line) this.#missing.delete(idOf(line.fact));
    return this.#missing.size === 0;
  }
}

function idOf(fact: Fact): string {
  return "step" in fact ? `${fact.kind}/${fact.step}/${fact.iteration}/${fact.attempt}` : fact.kind;
}
