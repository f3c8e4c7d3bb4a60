/**
 * Dead letters on `ARK_DLQ`: the reason, the original, and the way back.
 *
 * R1  An event goes back to the outbox under an id of its own, then its letter is taken away: a crash between the two
 *     repeats what is harmless to repeat (X1).
 * R2  However many letters there are, a page of them is in memory.
 */
import { EXTENSIONS } from "#core/events/cloud-event.ts";
import { type LostEvent, lostEvent } from "#core/events/letters.ts";
import { deadTaskSubject, dlqSubject, STREAMS } from "#core/events/subjects.ts";
import type { AcceptedEvent, DeadLetters, Replay } from "#core/ports/events.ts";
import type { Link } from "./link.ts";
import { decodeJson, encodeHeader, eventHeaders } from "./messages.ts";
import { locks } from "./locks.ts";
import { isWaiting, publishEvent } from "./outbox.ts";
import { reached } from "./reached.ts";
import { readStored } from "./read.ts";
import { removeMessage } from "./remove.ts";

type Entry = Parameters<DeadLetters["store"]>[0];
type Listed = Awaited<ReturnType<DeadLetters["list"]>>;

export function deadLetters(link: Link): DeadLetters & Replay {
  const holders = locks(link);
  return {
    store: (entry, id) => store(link, entry, id),
    list: (namespace, name) => list(link, namespace, name),
    census: () => census(link),
    replay: (...asked) => replay(link, ...asked),
    isBusy: async ({ namespace, event }, last) => {
      if ((await holders.holder(`${namespace}.${event}`)) !== undefined) return true;
      return last !== undefined && (await isWaiting(link, last));
    },
  };
}

async function store(link: Link, { of, ...entry }: Entry, id: string): Promise<void> {
  const { namespace, name } = entry;
  const subject = of === "task" ? deadTaskSubject(namespace, name) : dlqSubject(namespace, name);
  await reached(
    link.js.publish(subject, JSON.stringify(entry), {
      msgID: encodeHeader(id),
      headers: eventHeaders({
        id,
        source: `/ark/${namespace}/dead-letters`,
        type: "dev.ark.dead-letter",
        subject: name,
        at: entry.at,
        extensions: { arknamespace: namespace, arkreason: entry.reason },
      }),
    }),
  );
}

async function list(link: Link, namespace: string, name?: string): Promise<Listed> {
  const found: Listed[number][] = [];
  const filters =
    name === undefined ? [dlqSubject(namespace, ">")] : [dlqSubject(namespace, name), deadTaskSubject(namespace, name)];
  for (const filter of filters) {
    for await (const message of readStored(link, STREAMS.dlq, filter)) {
      const entry = decodeEntry(message.data);
      if (entry === undefined) continue;
      const { reason, message: words, original, at } = entry;
      found.push({ seq: message.seq, reason, message: words, original, at });
    }
  }
  return found;
}

async function census(link: Link): ReturnType<Replay["census"]> {
  const { state } = await reached(link.jsm.streams.info(STREAMS.dlq, { subjects_filter: dlqSubject("*", ">") }));
  const counts = new Map<string, number>();
  const tasks = new Map<string, number>();
  for (const [subject, count] of Object.entries(state.subjects ?? {})) {
    const [, , namespace, name, task] = subject.split(".");
    (task === undefined ? counts : tasks).set(`${namespace}/${name}`, count);
  }
  return { counts, tasks, newest: state.last_seq };
}

/** R1. */
async function replay(
  link: Link,
  ...[{ namespace, event }, upTo, isWanted, most = Number.POSITIVE_INFINITY]: Parameters<Replay["replay"]>
): ReturnType<Replay["replay"]> {
  let [sent, left] = [0, 0];
  let last: number | undefined;
  for await (const { seq, data } of readStored(link, STREAMS.dlq, dlqSubject(namespace, event))) {
    if (seq > upTo || sent >= most) break;
    const entry = decodeEntry(data);
    const lost = lostEvent(entry?.original);
    if (entry === undefined || lost === undefined || !isWanted(lost.cloudEvent)) {
      left += 1;
      continue;
    }
    const again = sentAgain({ ...lost, namespace, event }, seq, entry.at);
    last = (await publishEvent(link, again, `replay/${seq}/${namespace}/${event}`)).seq;
    await removeMessage(link, STREAMS.dlq, seq);
    sent += 1;
  }
  return { sent, left, ...(last !== undefined && { last }) };
}

function sentAgain({ namespace, event, key, cloudEvent }: LostEvent, seq: number, lostAt: number): AcceptedEvent {
  const place = { [EXTENSIONS.replay]: `${namespace}/${event}`, [EXTENSIONS.letter]: String(seq) };
  const extensions = { ...cloudEvent.extensions, ...place };
  return {
    namespace,
    event,
    key: key ?? cloudEvent.id,
    cloudEvent: { ...cloudEvent, extensions },
    firedAt: Date.parse(cloudEvent.time ?? "") || lostAt,
  };
}

type Stored = Omit<Entry, "of">;

function decodeEntry(data: Uint8Array): Stored | undefined {
  const entry = decodeJson(data);
  return typeof entry === "object" && entry !== null && "reason" in entry ? (entry as Stored) : undefined;
}
