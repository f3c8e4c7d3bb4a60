/** From a body to a task, or to a JSON-RPC call. What cannot be read for certain is refused, never guessed (P10). */
import { isJsonObject, type JsonObject } from "#core/json.ts";
import { MAX_KEY_LENGTH, MAX_KEYS } from "#core/api/v1alpha1/common.ts";
import { textsOf } from "#core/events/body-input.ts";
import type { HttpProblem, HttpRequest } from "#platform/http/exchange.ts";
import * as problems from "./problems.ts";

export type GivenTask = {
  readonly prompt: string;
  readonly input?: Readonly<Record<string, string>>;
  readonly session?: string;
};

type Refused = { readonly kind: "refused"; readonly problem: HttpProblem };
export type ReadBody =
  | { readonly kind: "plain"; readonly body: JsonObject }
  | { readonly kind: "rpc"; readonly body: JsonObject }
  | Refused;
export type ReadTask = { readonly kind: "task"; readonly task: GivenTask } | Refused;

const FIELDS: ReadonlySet<string> = new Set(["prompt", "input", "sessionId"]);
const MAX_SESSION = 255;

const refused = (problem: HttpProblem): Refused => ({ kind: "refused", problem });

export async function readBody(request: HttpRequest): Promise<ReadBody> {
  const [type = ""] = (request.headers["content-type"] ?? "").toLowerCase().split(";");
  if (!["", "application/json", "application/a2a+json"].includes(type.trim()))
    return refused(problems.unsupportedMedia(`Content-Type ${type.trim()}`));
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") return refused(problems.unsupportedMedia(`Content-Encoding ${encoding}`));
  const body = await request.body();
  switch (body.kind) {
    case "too-large":
      return refused(problems.tooLarge(body.maxBytes));
    case "slow":
    case "aborted":
      return refused(problems.slowBody);
    case "read":
      return parse(body.bytes);
  }
}

function parse(bytes: Uint8Array): ReadBody {
  try {
    const body: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isJsonObject(body)) return refused(problems.badJson("The body is not a JSON object."));
    return { kind: Object.hasOwn(body, "jsonrpc") ? "rpc" : "plain", body };
  } catch (error) {
    return refused(
      problems.badJson(`The body is not JSON: ${error instanceof Error ? error.message : String(error)}.`),
    );
  }
}

/** `{prompt, input?, sessionId?}` (api 5). */
export function readTask(body: JsonObject): ReadTask {
  const unknown = Object.keys(body).find((field) => !FIELDS.has(field));
  if (unknown !== undefined)
    return refused(problems.invalidInput(unknown, `There is no field ${unknown}: send prompt, input, sessionId.`));
  const { prompt, input = {}, sessionId } = body as { prompt?: unknown; input?: unknown; sessionId?: unknown };
  if (typeof prompt !== "string" || prompt.trim() === "")
    return refused(problems.invalidInput("prompt", "prompt is required: the task, as text."));
  const given = readInput(input);
  if ("field" in given) return refused(problems.invalidInput(given.field, given.detail));
  if (sessionId !== undefined && !isSession(sessionId))
    return refused(problems.invalidInput("sessionId", `sessionId is a text of 1 to ${MAX_SESSION} characters.`));
  const some = Object.keys(given.values).length > 0;
  return {
    kind: "task",
    task: { prompt, ...(some && { input: given.values }), ...(sessionId !== undefined && { session: sessionId }) },
  };
}

type Input = { readonly values: Record<string, string> } | { readonly field: string; readonly detail: string };

function readInput(input: unknown): Input {
  if (!isJsonObject(input)) return { field: "input", detail: "input is an object." };
  const values = textsOf(input);
  const keys = Object.keys(values);
  if (keys.length > MAX_KEYS) return { field: "input", detail: `input has at most ${MAX_KEYS} keys.` };
  if (!keys.every((key) => key !== "" && key.length <= MAX_KEY_LENGTH))
    return { field: "input", detail: `Keys of input have 1 to ${MAX_KEY_LENGTH} characters.` };
  return { values };
}

function isSession(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_SESSION;
}
