/**
 * Verdicts of semantic readiness in `ark-budgets`, a key for each agent and question (D26).
 *
 * V1  One asker at a time: a turn is a `create`, and a verdict stands in the same key.
 * V2  The server counts both times to live: an asker that dies is replaced once its turn ends, a verdict is asked for
 *     again once its interval ends, and no clock of a pod has a say.
 * V3  A verdict belongs to the question, not to who asked it: it outlives the instances.
 * V4  An agent that is made anew under the same name shows no answer of the earlier one.
 * V5  An executor may be a guest, and write here what it likes: an answer that is not as it should be is not there.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { BUCKETS } from "#core/events/subjects.ts";
import type { Looked, ProbeAnswer, ProbeAnswers, Probes, ProbeTurn, Verdict } from "#core/ports/probes.ts";
import type { AgentId } from "#core/ports/services.ts";
import { bucket, type Bucket } from "./bucket.ts";
import { Instant } from "./instant.ts";
import type { Link } from "./link.ts";

type Note = { readonly asking: true } | { readonly verdict: Verdict };

/** As long as a lease: longer than any question may take. */
const TURN_MS = 60_000;

/** Twice the longest interval: whoever shows it has seen it by then. */
const ANSWER_MS = 2 * 24 * 60 * 60_000;

const Answer = z.union([
  z.object({ healthy: z.boolean(), at: Instant, failedAt: Instant.exactOptional() }),
  z.object({ failedAt: Instant }),
]);

type Options = { readonly turnMs?: number | undefined; readonly now?: () => number };

export function probes(link: Link, { turnMs = TURN_MS, now = Date.now }: Options = {}): Probes & ProbeAnswers {
  const store = bucket<Note>(link, BUCKETS.budgets);
  const answers = bucket<ProbeAnswer>(link, BUCKETS.budgets);
  const last = async (agent: AgentId): Promise<ProbeAnswer | undefined> =>
    Answer.safeParse((await answers.get(lastKey(agent)))?.value).data;
  const newest = async (agent: AgentId, verdict: Verdict): Promise<ProbeAnswer> =>
    verdict === "unknown" ? { ...(await last(agent)), failedAt: now() } : { healthy: verdict === "healthy", at: now() };
  return {
    last,
    look: async (agent, question) => {
      const key = keyOf(agent, question);
      const present = await store.get(key);
      if (present !== undefined) return read(present.value);
      const revision = await store.create(key, { asking: true }, turnMs);
      if (revision === undefined) return { kind: "asked" };
      const remember = async (verdict: Verdict) =>
        void (await answers.put(lastKey(agent), await newest(agent, verdict), ANSWER_MS));
      return { kind: "ours", turn: turn(store, key, revision, remember) };
    },
  };
}

function read(note: Note): Looked {
  return "verdict" in note ? { kind: "known", verdict: note.verdict } : { kind: "asked" };
}

function turn(
  store: Bucket<Note>,
  key: string,
  revision: number,
  remember: (verdict: Verdict) => Promise<void>,
): ProbeTurn {
  return {
    id: `${key}.${revision}`,
    tell: async (verdict, freshMs) => {
      const told = await store.update(key, { verdict }, revision, freshMs);
      // The turn ran out, and nobody has taken it since.
      if (told === undefined) await store.create(key, { verdict }, freshMs);
      await remember(verdict);
    },
    giveBack: async () => {
      await store.remove(key, revision);
    },
  };
}

/** No digest is called so. */
function lastKey({ namespace, agent, uid = "" }: AgentId): string {
  return `probe.${namespace}.${agent}.last-${uid}`;
}

function keyOf({ namespace, agent }: AgentId, question: string): string {
  const digest = createHash("sha256").update(question).digest("hex").slice(0, 16);
  return `probe.${namespace}.${agent}.${digest}`;
}
