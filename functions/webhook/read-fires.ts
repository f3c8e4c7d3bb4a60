/**
 * From a body to fires: plain JSON, or CloudEvents in binary, structured or batched mode (api 13, "Body").
 * What cannot be read for certain is refused, never guessed (D38, D46).
 */
import { createHash } from "node:crypto";
import type { CloudEventRecord } from "#core/ports/events.ts";
import type { HttpProblem, HttpRequest } from "#platform/http/exchange.ts";
import type { WebhookDeps } from "./deps.ts";
import { badJson, invalidInput, slowBody, tooLarge, unsupportedMedia } from "./problems.ts";

export type Fire = {
  readonly body: unknown;
  readonly bodyDigest: string;
  /** What the caller calls this fire; absent: every request is a fire of its own. */
  readonly name?: string;
};

export type FiresOutcome =
  | { readonly kind: "fires"; readonly fires: readonly Fire[] }
  | { readonly kind: "refused"; readonly problem: HttpProblem };

const MAX_KEY_CHARS = 255;
/** Deeper JSON exhausts the stack of whoever writes it again. */
const MAX_DEPTH = 256;
/** `1e20` is written again as 21 digits: a body may grow on its way. */
const MAX_WRITTEN_BYTES = 2 * 1024 * 1024;
const MAY_GROW_ABOVE = MAX_WRITTEN_BYTES / 8;

export async function readFires(request: HttpRequest, deps: WebhookDeps): Promise<FiresOutcome> {
  const key = request.headers["idempotency-key"];
  if (key !== undefined && (key === "" || key.length > MAX_KEY_CHARS)) {
    return refused(invalidInput("Idempotency-Key", `Idempotency-Key has 1 to ${MAX_KEY_CHARS} characters.`));
  }
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") return refused(unsupportedMedia(`Content-Encoding ${encoding}`));
  const body = await request.body();
  switch (body.kind) {
    case "too-large":
      return refused(tooLarge(body.maxBytes));
    case "slow":
    case "aborted":
      return refused(slowBody);
    case "read":
      return decode(body.bytes, request.headers, key, deps);
  }
}

type Headers = Readonly<Record<string, string>>;

function decode(bytes: Uint8Array, headers: Headers, key: string | undefined, deps: WebhookDeps): FiresOutcome {
  const contentType = (headers["content-type"] ?? "").toLowerCase();
  const text = readText(bytes, contentType);
  if (typeof text !== "string") return refused(text);
  const read = readAs(bytes, text, contentType, headers, key, deps);
  const grown = read.kind === "fires" && text.length > MAY_GROW_ABOVE && read.fires.some(isTooLong);
  return grown ? refused(tooLarge(MAX_WRITTEN_BYTES)) : read;
}

function isTooLong({ body }: Fire): boolean {
  return Buffer.byteLength(JSON.stringify(body)) > MAX_WRITTEN_BYTES;
}

function readAs(
  bytes: Uint8Array,
  text: string,
  contentType: string,
  headers: Headers,
  key: string | undefined,
  deps: WebhookDeps,
): FiresOutcome {
  const parsed = deps.parseCloudEvents(headers, text);
  switch (parsed.kind) {
    case "invalid":
      return refused(badJson(`The body is not a CloudEvent: ${parsed.detail}.`));
    case "events":
      return { kind: "fires", fires: parsed.events.map((event, index) => fromEvent(event, index, key)) };
    case "none":
      return plain(bytes, text, contentType, key);
  }
}

function readText(bytes: Uint8Array, contentType: string): string | HttpProblem {
  const charset = /;\s*charset="?([^";\s]+)/.exec(contentType)?.[1] ?? "utf-8";
  if (charset !== "utf-8" && charset !== "us-ascii") return unsupportedMedia(`Charset ${charset}`);
  const text = utf8(bytes);
  if (text === undefined) return badJson("The body is not UTF-8.");
  return tooDeep(text) ? badJson(`The body is nested deeper than ${MAX_DEPTH} levels.`) : text;
}

function fromEvent({ source, id, data = {} }: CloudEventRecord, index: number, key: string | undefined): Fire {
  const name = key === undefined ? `event\n${source}\n${id}` : `key\n${key}\n${index}`;
  return { body: data, bodyDigest: digest(JSON.stringify(data)), name };
}

function plain(bytes: Uint8Array, text: string, contentType: string, key: string | undefined): FiresOutcome {
  const type = contentType.split(";")[0]?.trim() ?? "";
  if (type !== "" && type !== "application/json") return refused(unsupportedMedia(`Content-Type ${type}`));
  try {
    const body: unknown = text.trim() === "" ? {} : JSON.parse(text);
    const fire: Fire = { body, bodyDigest: digest(bytes) };
    return { kind: "fires", fires: [key === undefined ? fire : { ...fire, name: `key\n${key}\n0` }] };
  } catch (error) {
    if (type === "") return refused(unsupportedMedia("No Content-Type, and the body is not JSON"));
    return refused(badJson(`The body is not JSON: ${error instanceof Error ? error.message : String(error)}.`));
  }
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Counts brackets outside of strings; an odd text is refused by the parser after this. */
function tooDeep(text: string): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]/gs)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

function digest(content: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

function refused(problem: HttpProblem): FiresOutcome {
  return { kind: "refused", problem };
}
