/**
 * Which inputs of a team a webhook's body sets (api 1, `targets[].input`): a flat JSON object overrides those keys of
 * the team's `input`/`inputs` that it names, and nothing else.
 *
 * A value that is a list or an object makes a body not flat, unless the team declares that very input as one.
 */
import { isJsonObject, type JsonObject } from "#core/json.ts";
import type { InputSpec } from "#core/api/v1alpha1/ark-team.ts";

export type KnownInputs = { readonly inputs?: readonly InputSpec[]; readonly defaults?: readonly string[] };

export function inputFromBody(body: unknown, { inputs = [], defaults = [] }: KnownInputs): Record<string, string> {
  if (!isJsonObject(body)) return {};
  const declared = new Map(inputs.map((input) => [input.name, input.type]));
  const entries = Object.entries(body);
  if (!entries.every(([name, value]) => isFlat(value, declared.get(name)))) return {};
  const known = new Set([...declared.keys(), ...defaults]);
  return textsOf(Object.fromEntries(entries.filter(([name]) => known.has(name))));
}

/** Null is "not given". Values of other types than string travel as JSON text. */
export function textsOf(values: JsonObject): Record<string, string> {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(
    given.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

function isFlat(value: unknown, declared: InputSpec["type"] | undefined): boolean {
  return typeof value !== "object" || value === null || declared === "object" || declared === "array";
}
