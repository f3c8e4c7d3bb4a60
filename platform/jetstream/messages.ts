/**
 * Facts as CloudEvents in NATS binary mode (CloudEvents 1.0, NATS protocol binding 3.1): attributes are headers with
 * the prefix `ce-`, the data is the body. A scheduled message keeps these headers when it fires, so that a timer
 * decodes like any other fact.
 */
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { parseJson } from "#core/json.ts";
import { factId, type Fact } from "#core/events/facts.ts";
import type { Task } from "#core/events/tasks.ts";
import type { RunRef, StoredFact } from "#core/ports/record.ts";

const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

type EventAttributes = {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  readonly at: number;
  readonly extensions: Readonly<Record<string, string | undefined>>;
};

export function eventHeaders(event: EventAttributes): MsgHdrs {
  const carried = headers();
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined) carried.set(name, encodeHeader(value));
  };
  set("ce-specversion", "1.0");
  set("ce-id", event.id);
  set("ce-source", event.source);
  set("ce-type", event.type);
  set("ce-subject", event.subject);
  set("ce-time", new Date(event.at).toISOString());
  for (const [name, value] of Object.entries(event.extensions)) set(`ce-${name}`, value);
  set("content-type", "application/json");
  return carried;
}

export function factHeaders(run: RunRef, fact: Fact): MsgHdrs {
  return eventHeaders({
    id: factId(run.uid, fact),
    source: `/ark/${run.namespace}/runs/${run.run}`,
    type: fact.kind === "timer" ? "dev.ark.run.timer" : `dev.ark.${fact.kind}`,
    subject: run.run,
    at: fact.at,
    extensions: {
      arknamespace: run.namespace,
      arkrun: run.run,
      arkuid: run.uid,
      traceparent: fact.kind === "run.requested" ? fact.traceparent : undefined,
    },
  });
}

type Received = {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs | undefined;
};

/** undefined: not a fact. Names come from the subject, which permissions guard; the uid from the event. */
export function decodeFact(message: Received): StoredFact | undefined {
  const [, , namespace, run] = message.subject.split(".");
  const uid = message.headers?.get("ce-arkuid") ?? "";
  const fact = decodeJson(message.data);
  if (namespace === undefined || run === undefined || uid === "" || !isFact(fact)) return undefined;
  return { namespace, run, uid, seq: message.seq, fact };
}

export function decodeJson(data: Uint8Array): unknown {
  return parseJson(DECODER.decode(data));
}

/** Writers are processes of this project, held to their subjects by permissions: the tag and the time are looked at. */
function isFact(value: unknown): value is Fact {
  if (typeof value !== "object" || value === null) return false;
  return "kind" in value && typeof value.kind === "string" && "at" in value && typeof value.at === "number";
}

/** As of facts, its outline is looked at: what names its attempt, and by which it is settled. */
export function isTask(value: unknown): value is Task {
  return typeof value === "object" && value !== null && "step" in value && "uid" in value && "run" in value;
}

/** Header values are printable ASCII; everything else is percent-encoded (CloudEvents HTTP binding 3.1.3.2). */
export function encodeHeader(value: string): string {
  return value.replaceAll(/[^!#-$&-~]/gu, (char) =>
    Array.from(ENCODER.encode(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}
