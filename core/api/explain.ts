/** zod's issues in the words of the user's document. */
import type * as z from "zod";
import { didYouMean, pathText, type Fault } from "./fault.ts";

type Issue = z.core.$ZodIssue;

const NOUNS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const UNITS: Readonly<Record<string, string>> = { string: "characters", array: "items", object: "keys" };

function found(value: unknown): string {
  if (value === null) return "nothing (null)";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string")
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  return `${typeof value} ${JSON.stringify(value)}`;
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function wrongType(expected: string, value: unknown): string {
  if (value === undefined) return "is required";
  const quote = expected === "string" && typeof value !== "object" ? "; put it in quotes" : "";
  return `must be ${NOUNS[expected] ?? expected}, found ${found(value)}${quote}`;
}

function limit(issue: Extract<Issue, { code: "too_big" | "too_small" }>): string {
  const unit = UNITS[issue.origin];
  const [word, bound] = issue.code === "too_big" ? ["at most", issue.maximum] : ["at least", issue.minimum];
  if (unit !== undefined && issue.code === "too_small" && Number(bound) === 1) return "must not be empty";
  return unit === undefined ? `must be ${word} ${bound}` : `must have ${word} ${bound} ${unit}`;
}

function closedSet(values: readonly unknown[], value: unknown): Pick<Fault, "message" | "hint"> {
  if (value === undefined) return { message: "is required" };
  const known = values.map(String);
  const wanted = known.length === 1 ? known[0] : `one of ${known.join(", ")}`;
  return { message: `must be ${wanted}, found ${found(value)}`, ...didYouMean(value, known) };
}

function words(issue: Issue, root: unknown): Pick<Fault, "message" | "hint"> {
  const value = at(root, issue.path);
  switch (issue.code) {
    case "invalid_type":
      return { message: wrongType(issue.expected, value) };
    case "invalid_value":
      return closedSet(issue.values, value);
    case "too_big":
    case "too_small":
      return { message: limit(issue) };
    case "invalid_format":
      return {
        message: `${issue.message.startsWith("must ") ? issue.message : `must match ${issue.pattern}`}, found ${found(value)}`,
      };
    case "custom": {
      const hint: unknown = issue.params?.["hint"];
      return { message: issue.message, ...(typeof hint === "string" ? { hint } : {}) };
    }
    default:
      return { message: issue.message };
  }
}

/** One fault per issue, in the order of the document's schema. */
export function explain(issues: readonly Issue[], root: unknown): Fault[] {
  return issues.map((issue) => ({ path: pathText(issue.path), ...words(issue, root) }));
}
