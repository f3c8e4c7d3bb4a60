/**
 * Secret values do not come back: what a provider, a tool or a model says is cleaned of them before anything is
 * recorded, shown or handed on (P7, D23).
 *
 * S1  The request that carries a secret is untouched; only answers are cleaned, failures included.
 * S2  A stream of tokens is cleaned as its whole text would be: what may be the beginning of a secret waits for more.
 */
import type { Model, ModelOutcome, OnToken, Toolbox, ToolOutcome } from "./ports.ts";
import type { ResolvedAgent } from "./task.ts";

export const REDACTED = "[redacted]";

/** A shorter value is a word that also stands in texts which have nothing to do with it. */
const LEAST_CHARS = 8;

export type Redact = (text: string) => string;

/** A tool server that repeats the provider's key, or the other way round, is cleaned of it as well. */
export function secretsOf({ secrets, provider: { apiKey } }: ResolvedAgent): readonly string[] {
  return apiKey === undefined ? secrets : [...secrets, apiKey];
}

/** Every form in which an answer may repeat a secret; longest first, so that no rest of one stays. */
function formsOf(secrets: readonly string[]): readonly string[] {
  const forms = secrets.flatMap((secret) => {
    const bare = secret.replace(/^(bearer|basic|token)\s+/i, "");
    return [secret, bare, ...keyLines(secret)].flatMap((one) => [
      one,
      JSON.stringify(one).slice(1, -1),
      encodeURIComponent(one),
    ]);
  });
  const known = new Set(forms.filter((form) => form.length >= LEAST_CHARS));
  return [...known].toSorted((a, b) => b.length - a.length);
}

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)/g;

/** A private key is one however its lines are broken or set in: each of them counts alone. */
function keyLines(secret: string): readonly string[] {
  return [...secret.matchAll(PRIVATE_KEY)].flatMap(([, lines = ""]) => lines.trim().split(/\s+/));
}

export function redactor(secrets: readonly string[]): Redact {
  const forms = formsOf(secrets);
  return (text) => forms.reduce((cleaned, form) => cleaned.replaceAll(form, REDACTED), text);
}

/** The key of the request itself is one of the secrets, whichever provider it is for. */
export function redactedModel(model: Model, secrets: readonly string[]): Model {
  return {
    async call(request, onToken, signal) {
      const { apiKey } = request.provider;
      const all = apiKey === undefined ? secrets : [...secrets, apiKey];
      const stream = redactedStream(all, onToken);
      const outcome = await model.call(request, stream.push, signal);
      stream.end();
      return cleanOutcome(outcome, redactor(all));
    },
  };
}

function cleanOutcome(outcome: ModelOutcome, redact: Redact): ModelOutcome {
  if (outcome.kind !== "answer") return { ...outcome, reason: redact(outcome.reason) };
  const toolCalls = outcome.toolCalls.map((call) => ({ ...call, arguments: redact(call.arguments) }));
  const model = outcome.model === undefined ? {} : { model: redact(outcome.model) };
  return { ...outcome, text: redact(outcome.text), toolCalls, ...model };
}

export function redactedTools(tools: Toolbox, secrets: readonly string[]): Toolbox {
  const redact = redactor(secrets);
  return {
    list: (signal) => tools.list(signal),
    async call(name, args, options, signal): Promise<ToolOutcome> {
      const outcome = await tools.call(name, args, options, signal);
      return { ...outcome, text: redact(outcome.text) };
    },
  };
}

type Stream = { readonly push: OnToken; readonly end: () => void };

/** S2. */
export function redactedStream(secrets: readonly string[], onToken: OnToken): Stream {
  const forms = formsOf(secrets);
  const redact = redactor(secrets);
  let kept = "";
  const say = (text: string) => {
    if (text !== "") onToken(text);
  };
  return {
    push(text) {
      const said = kept + text;
      const end = sayable(said, forms);
      kept = said.slice(end);
      say(redact(said.slice(0, end)));
    },
    end() {
      say(redact(kept));
      kept = "";
    },
  };
}

/** Up to where nothing may become a secret by what follows, and no secret that is there is cut. */
function sayable(text: string, forms: readonly string[]): number {
  for (let end = text.length - longestBeginning(text, forms); ;) {
    const around = end;
    const starts = forms.map((form) => text.indexOf(form, Math.max(0, around - form.length + 1)));
    end = Math.min(end, ...starts.filter((at) => at >= 0));
    if (end === around) return end;
  }
}

/** How many of the last characters may be the beginning of a secret. */
function longestBeginning(text: string, forms: readonly string[]): number {
  const most = Math.min(text.length, (forms[0]?.length ?? 0) - 1);
  for (let count = most; count > 0; count -= 1) {
    const end = text.slice(text.length - count);
    if (forms.some((form) => form.length > count && form.startsWith(end))) return count;
  }
  return 0;
}
