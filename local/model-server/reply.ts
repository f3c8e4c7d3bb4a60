/** Writes one scripted answer to the socket, whole or broken in the way the script says. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Answer, ChatRequest } from "./script.ts";
import { completionBody, streamEvents, type Completion } from "./wire.ts";

type Reply = {
  readonly answer: Answer;
  readonly request: ChatRequest;
  readonly completion: Completion;
  readonly id: string;
  /** Called when the whole answer goes to the socket. */
  readonly answered: () => void;
};

export async function reply(response: ServerResponse, parts: Reply): Promise<void> {
  const { answer, request, completion, id } = parts;
  const broken = answer.cut !== undefined || answer.torn === true;
  if (answer.nonsense !== undefined) {
    response.writeHead(200, { "content-type": request.stream ? "text/event-stream" : "application/json" });
    return finish(response, parts, answer.nonsense);
  }
  if (!request.stream) return replyWhole(response, parts, broken);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  for (const event of streamEvents(completion, request, id, broken ? "open" : "whole")) {
    if (!(await write(response, event, answer.half !== undefined))) return;
  }
  if (broken) return breakOff(response, answer.torn === true ? tornEvent(parts) : undefined);
  return finish(response, parts);
}

async function replyWhole(response: ServerResponse, parts: Reply, broken: boolean): Promise<void> {
  const body = completionBody(parts.completion, parts.request.model, parts.id);
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  if (broken) return breakOff(response, Buffer.from(body).subarray(0, Math.floor(body.length / 2)));
  return finish(response, parts, body);
}

/** An event that ends after the first byte of a character of three. */
function tornEvent({ completion, request, id }: Reply): Buffer {
  const [first] = streamEvents({ ...completion, text: "", toolCalls: [] }, request, id, "open");
  const bytes = Buffer.from((first ?? "").replace('"content":""', '"content":"€"'));
  return bytes.subarray(0, bytes.indexOf(0xe2) + 1);
}

/** With `torn`, every character of several bytes goes out in two packets. */
async function write(response: ServerResponse, text: string, torn: boolean): Promise<boolean> {
  const bytes = Buffer.from(text);
  let start = 0;
  for (let at = 0; torn && at < bytes.length; at++) {
    if ((bytes[at] ?? 0) < 0xc0) continue;
    if (!(await flush(response, bytes.subarray(start, at + 1)))) return false;
    start = at + 1;
  }
  return flush(response, bytes.subarray(start));
}

async function flush(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (response.destroyed || response.closed) return false;
  if (response.write(bytes)) return true;
  const settled = new AbortController();
  await Promise.race(["drain", "close"].map((event) => once(response, event, { signal: settled.signal })));
  settled.abort();
  return !response.destroyed;
}

async function breakOff(response: ServerResponse, last?: Uint8Array): Promise<void> {
  if (last !== undefined) await flush(response, last);
  // The socket is ended after its bytes are out: a reset would drop what the script wants to arrive.
  await new Promise<void>((resolve) => {
    if (response.socket === null) return resolve();
    response.socket.end(() => resolve());
  });
  response.destroy();
}

/** The far side may have the answer before this side learns that it left: so `answered` is said first (M1). */
function finish(response: ServerResponse, parts: Reply, body = ""): void {
  if (response.destroyed || response.closed) return;
  parts.answered();
  response.end(body);
}
