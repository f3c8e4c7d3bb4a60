/**
 * Texts of steps: inline while short, else in `ark-outputs` under their namespace and digest, where equal texts are one.
 *
 * O1  The first piece is written last and says how many there are: a text that can be seen is whole.
 * O2  A digest has one text. What is there is not written again, unless it would go before the record that refers to it:
 *     then all of its pieces are, over those that are there.
 * O3  What is read is what was stored, or it is lost: the digest is looked at. A replica may be behind: before a text
 *     counts as lost, the leader was asked; a guest, who may not ask it, asks again a few times.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { BUCKETS } from "#core/events/subjects.ts";
import { beginningOf, INLINE_LIMIT_BYTES, PREVIEW_CHARS, type Text } from "#core/events/text.ts";
import { type Home, OutputLost, type Outputs } from "#core/ports/record.ts";
import type { Link } from "./link.ts";
import { reached } from "./reached.ts";
import { OUTPUT_RENEWED_MS, outputStream } from "./streams.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
/** Below every server's `max_payload`. */
const PIECE_BYTES = 128 * 1024;
const PIECES = "Ark-Pieces";
/** O3: a replica follows its leader within these. */
const AGAIN_MS = [100, 300, 1_000];
/** Under way at a time. */
const AT_ONCE = 8;

/** `keep` stores a text of any length; `store` leaves short ones inline. */
export function outputs(
  link: Link,
  renewAfterMs: number = OUTPUT_RENEWED_MS,
): Outputs & { readonly keep: (of: Home, text: string) => Promise<Text> } {
  const put = async (of: Home, text: string, data: Uint8Array): Promise<Text> => {
    const digest = digestOf(data);
    const subjects = subjectsOf(of, digest);
    const first = await piece(link, subjects(0));
    if (first === undefined || Date.now() - first.at > renewAfterMs) await writeAll(link, subjects, data);
    return { ref: { digest, bytes: data.length, preview: beginningOf(text, PREVIEW_CHARS) } };
  };
  return {
    store: async (of, text) => {
      const data = ENCODER.encode(text);
      return data.length <= INLINE_LIMIT_BYTES ? { inline: text } : await put(of, text, data);
    },
    keep: (of, text) => put(of, text, ENCODER.encode(text)),
    load: async (of, text) => ("inline" in text ? text.inline : await load(link, of, text.ref.digest)),
  };
}

type Subjects = (index: number) => string;

function subjectsOf({ namespace }: Home, digest: string): Subjects {
  return (index) => `$O.${BUCKETS.outputs}.C.${namespace}.${digest.replace("sha256:", "")}.${index}`;
}

/** O1, O2. */
async function writeAll(link: Link, subjects: Subjects, data: Uint8Array): Promise<void> {
  const count = Math.max(1, Math.ceil(data.length / PIECE_BYTES));
  const write = async (index: number): Promise<void> => {
    const carried = headers();
    carried.set(PIECES, String(count));
    const part = data.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
    await reached(link.js.publish(subjects(index), part, { headers: carried }));
  };
  await inBatches(count - 1, (index) => write(index + 1));
  await write(0);
}

/** O3. */
async function load(link: Link, of: Home, digest: string): Promise<string> {
  const subjects = subjectsOf(of, digest);
  const near = () => readAll((index) => piece(link, subjects(index)), digest);
  const far = () => (link.isGuest ? again(near) : readAll((index) => led(link, subjects(index)), digest));
  const found = (await near()) ?? (await far());
  if (found === undefined) throw new OutputLost(`output ${digest} is not in the store any more`);
  return DECODER.decode(found);
}

async function again<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const pauseMs of AGAIN_MS) {
    await delay(pauseMs);
    const found = await read();
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readAll(
  read: (index: number) => Promise<Piece | undefined>,
  digest: string,
): Promise<Buffer | undefined> {
  const first = await read(0);
  if (first === undefined) return undefined;
  const rest = await inBatches(first.count - 1, (index) => read(index + 1));
  const data = Buffer.concat([first, ...rest].map((one) => one?.data ?? new Uint8Array()));
  return digestOf(data) === digest ? data : undefined;
}

type Piece = { readonly data: Uint8Array; readonly count: number; readonly at: number };

async function piece(link: Link, subject: string): Promise<Piece | undefined> {
  return pieceOf(await reached(link.jsm.direct.getMessage(outputStream(), { last_by_subj: subject })));
}

async function led(link: Link, subject: string): Promise<Piece | undefined> {
  return pieceOf(await reached(link.jsm.streams.getMessage(outputStream(), { last_by_subj: subject })));
}

function pieceOf(stored: StoredMsg | null): Piece | undefined {
  if (stored === null) return undefined;
  return { data: stored.data, count: Number(stored.header.get(PIECES)) || 1, at: stored.time.getTime() };
}

async function inBatches<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from);
    done.push(...(await Promise.all(Array.from({ length: size }, (_, index) => work(from + index)))));
  }
  return done;
}

function digestOf(data: Uint8Array): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}
