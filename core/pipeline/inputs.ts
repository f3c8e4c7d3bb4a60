/** The run's input: declared defaults, then what was given, in declared order; and whether it may start a run (E4). */
import { isJsonObject, parseJson } from "#core/json.ts";
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { InputSpec } from "#core/api/v1alpha1/ark-team.ts";

type Inputs = Readonly<Record<string, string>>;

/** Declared inputs first, so that equal runs give equal prompts whatever order a map is stored in (D16). */
export function resolveInput(spec: Pick<ArkRunSpec, "input" | "inputs">): Inputs {
  const given = spec.input ?? {};
  if (spec.inputs === undefined) return given;
  const resolved: Record<string, string> = {};
  for (const { name, default: fallback } of spec.inputs) {
    const value = Object.hasOwn(given, name) ? given[name] : fallback;
    if (value !== undefined) resolved[name] = value;
  }
  return { ...resolved, ...given };
}

/** One sentence per bad input, in declared order; empty when the run may start. */
export function inputFaults(spec: Pick<ArkRunSpec, "input" | "inputs">): readonly string[] {
  const input = resolveInput(spec);
  return (spec.inputs ?? []).flatMap((declared) => {
    const value = Object.hasOwn(input, declared.name) ? input[declared.name] : undefined;
    if (value === undefined) return declared.required ? [`input.${declared.name} is required`] : [];
    return isOfType(value, declared.type) ? [] : [`input.${declared.name} must be ${NOUN[declared.type]}`];
  });
}

const NOUN: Readonly<Record<InputSpec["type"], string>> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  object: "a JSON object",
  array: "a JSON list",
};

/** Values of other types than string travel as JSON text (api 2). */
export function isOfType(value: string, type: InputSpec["type"]): boolean {
  if (type === "string") return true;
  const parsed = parseJson(value);
  switch (type) {
    case "number":
      return typeof parsed === "number";
    case "boolean":
      return typeof parsed === "boolean";
    case "array":
      return Array.isArray(parsed);
    case "object":
      return isJsonObject(parsed);
  }
}
