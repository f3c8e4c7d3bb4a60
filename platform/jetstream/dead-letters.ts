/** Dead letters on `ARK_DLQ`: the reason, the original, and the way back. */
import { dlqSubject, eventSubject, STREAMS } from "#core/events/subjects.ts";
import type { DeadLetters, Replay } from "#core/ports/events.ts";
import type { Link } from "./link.ts";
import { decodeJson, encodeHeader, eventHeaders } from "./messages.ts";
import { isAcceptedEvent, publishEvent } from "./outbox.ts";
import { reached } from "./reached.ts";
import { readStored } from "./read.ts";
import { removeMessage } from "./remove.ts";

type Entry = Parameters<DeadLetters["store"]>[0];
type Listed = Awaited<ReturnType<DeadLetters["list"]>>;

export function deadLetters(link: Link): DeadLetters & Replay {
  return {
    store: (entry, id) => store(link, entry, id),
    list: (namespace, name) => list(link, namespace, name),
    replay: (seq) => replay(link, seq),
  };
}

async function store(link: Link, entry: Entry, id: string): Promise<void> {
  await reached(
    link.js.publish(dlqSubject(entry.namespace, entry.name), JSON.stringify(entry), {
      msgID: encodeHeader(id),
      headers: eventHeaders({
        id,
        source: `/ark/${entry.namespace}/dead-letters`,
        type: "dev.ark.dead-letter",
        subject: entry.name,
        at: entry.at,
        extensions: { arknamespace: entry.namespace, arkreason: entry.reason },
      }),
    }),
  );
}

async function list(link: Link, namespace: string, name = ">"): Promise<Listed> {
  const found: Listed[number][] = [];
  for await (const message of readStored(link, STREAMS.dlq, dlqSubject(namespace, name))) {
    const entry = decodeEntry(message.data);
    if (entry === undefined) continue;
    const { reason, message: words, original, at } = entry;
    found.push({ seq: message.seq, reason, message: words, original, at });
  }
  return found;
}

/** The event goes back to the outbox under an id of its own, then the letter is taken away: twice is harmless (X1). */
async function replay(link: Link, seq: number): ReturnType<Replay["replay"]> {
  const letter = await reached(link.jsm.direct.getMessage(STREAMS.dlq, { seq }));
  if (letter === null) return "absent";
  const original = decodeEntry(letter.data)?.original;
  if (!isAcceptedEvent(original)) return "not-replayable";
  await publishEvent(link, original, `replay/${seq}/${eventSubject(original.namespace, original.event)}`);
  await removeMessage(link, STREAMS.dlq, seq);
  return "replayed";
}

function decodeEntry(data: Uint8Array): Entry | undefined {
  const entry = decodeJson(data);
  return typeof entry === "object" && entry !== null && "reason" in entry ? (entry as Entry) : undefined;
}
