/** What a step's dependents get of its answer. `rawOutput` always stays the original (api 2, contextPolicy). */
import { answerJson } from "./answer-json.ts";
import { parseJsonPath, selectJson } from "./json-path.ts";
import { compilePattern } from "./pattern.ts";

export type Extracted =
  | { readonly kind: "context"; readonly context: string }
  /** Nothing was found: the original goes on, and people are told why. */
  | { readonly kind: "missed"; readonly reason: string };

/** A JSON path where the answer is JSON and `path` is one; else the first group of `path` as an RE2 pattern. */
export async function extract(path: string, answer: string): Promise<Extracted> {
  const json = answerJson(answer);
  const jsonPath = parseJsonPath(path);
  if (json.kind === "json" && jsonPath !== undefined) {
    const found = selectJson(jsonPath, json.value);
    if (found.length === 0) return { kind: "missed", reason: `${path} leads to nothing in the answer` };
    return { kind: "context", context: textOf(hasWildcard(path) ? found : found[0]) };
  }
  const compiled = await compilePattern(path);
  if (compiled.kind === "bad") return { kind: "missed", reason: compiled.reason };
  const context = compiled.pattern.firstGroup(answer);
  return context === undefined ? { kind: "missed", reason: `${path} does not match` } : { kind: "context", context };
}

function hasWildcard(path: string): boolean {
  return parseJsonPath(path)?.some(({ kind }) => kind === "all") === true;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
