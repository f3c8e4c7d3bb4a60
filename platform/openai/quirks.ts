/**
 * Request fields that a server does not take: several speak the protocol without all of it (temperature for models
 * that reason, schemas beside tools, usage of streams). A 400 that names such a field is answered by asking again
 * without it, at no cost, and remembered for the model.
 */
import type { APIError } from "openai";

const OPTIONAL = ["temperature", "response_format", "stream_options", "max_tokens"] as const;
export type Quirk = (typeof OPTIONAL)[number];
export type Quirks = ReadonlySet<Quirk>;

const MOST_MODELS = 100;

export type QuirkMemory = {
  readonly of: (baseUrl: string, model: string) => Quirks;
  readonly learn: (baseUrl: string, model: string, quirk: Quirk) => void;
};

export function quirkMemory(): QuirkMemory {
  const known = new Map<string, Set<Quirk>>();
  const keyOf = (baseUrl: string, model: string) => `${baseUrl} ${model}`;
  return {
    of: (baseUrl, model) => new Set(known.get(keyOf(baseUrl, model))),
    learn: (baseUrl, model, quirk) => {
      const key = keyOf(baseUrl, model);
      if (!known.has(key) && known.size >= MOST_MODELS) known.clear();
      known.set(key, (known.get(key) ?? new Set()).add(quirk));
    },
  };
}

/** The field a refusal is about, if it is one that can be left out and has not been yet. */
export function quirkOf(error: APIError, known: Quirks): Quirk | undefined {
  if (error.status !== 400 && error.status !== 422) return undefined;
  const open = OPTIONAL.filter((quirk) => !known.has(quirk));
  const param = error.param?.split(".")[0] ?? "";
  return (
    open.find((quirk) => namesOf(quirk).includes(param)) ??
    open.find((quirk) => namesOf(quirk).some((name) => error.message.includes(name)))
  );
}

/** The token limit has two names; either one refused means: use the other. */
function namesOf(quirk: Quirk): readonly string[] {
  return quirk === "max_tokens" ? ["max_tokens", "max_completion_tokens"] : [quirk];
}
