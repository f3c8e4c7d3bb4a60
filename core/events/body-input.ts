/**
 * Which inputs of a team a webhook's body sets (api 1, `targets[].input`): a flat JSON object overrides those keys of
 * the team's `input`/`inputs` that it names, and nothing else.
 *
 * A value that is a list or an object makes a body not flat, unless the team declares that very input as one.
 * Null is "not given". Values of other types than string travel as JSON text.
 */
import { isJsonObject } from "#core/json.ts";
import type { InputSpec } from "#core/api/v1alpha1/ark-team.ts";

export type KnownInputs = { readonly inputs?: readonly InputSpec[]; readonly defaults?: readonly string[] };

export function inputFromBody(body: unknown, { inputs = [], defaults = [] }: KnownInputs): Record<string, string> {
  if (!isJsonObject(body)) return {};
  const declared = new Map(inputs.map((input) => [input.name, input.type]));
  const entries = Object.entries(body);
  if (!entries.every(([name, value]) => isFlat(value, declared.get(name)))) return {};
  const known = new Set([...declared.keys(), ...defaults]);
  const given: Record<string, string> = {};
  for (const [name, value] of entries) {
    if (known.has(name) && value !== null) given[name] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return given;
}

function isFlat(value: unknown, declared: InputSpec["type"] | undefined): boolean {
  return typeof value !== "object" || value === null || declared === "object" || declared === "array";
}
