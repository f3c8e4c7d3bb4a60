/**
 * Whether an answer is what was asked for (api 11): rejectPatterns → contains → schema. The semantic question comes
 * after these and costs a model call; `finish.ts` asks it.
 */
import { answerJson } from "./answer-json.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { compileSchema, type SchemaCheck } from "./schema-check.ts";
import type { AgentTask, OutputErrorCode } from "./task.ts";

type CompiledSchema = Extract<SchemaCheck, { kind: "check" }>;

export type Checks = {
  readonly kind: "checks";
  readonly reject: readonly Pattern[];
  readonly contains?: Pattern;
  readonly schemas: readonly CompiledSchema[];
};

export type Verdict =
  | { readonly kind: "valid"; readonly json?: unknown }
  /** `retryable`: another attempt that is told the reason may do better. */
  | {
      readonly kind: "invalid";
      readonly code: OutputErrorCode;
      readonly message: string;
      readonly retryable: boolean;
    };

/** All checks are compiled before the first model call, so that a bad one costs nothing. */
export async function compileChecks({
  outputSchema,
  validate = {},
}: Pick<AgentTask, "outputSchema" | "validate">): Promise<Checks | { readonly kind: "bad"; readonly reason: string }> {
  const faults: string[] = [];
  const reject = await patterns("validate.rejectPatterns", validate.rejectPatterns ?? [], faults);
  const [contains] = await patterns("validate.contains", given(validate.contains), faults);
  const schemas = [
    ...(await compiledSchemas("outputSchema", given(outputSchema), faults)),
    ...(await compiledSchemas("validate.schema", given(validate.schema), faults)),
  ];
  if (faults.length > 0) return { kind: "bad", reason: faults.join("; ") };
  return { kind: "checks", reject, schemas, ...(contains !== undefined && { contains }) };
}

function given<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

async function patterns(field: string, sources: readonly string[], faults: string[]): Promise<readonly Pattern[]> {
  const compiled = await Promise.all(sources.map(compilePattern));
  for (const one of compiled) if (one.kind === "bad") faults.push(`${field}: ${one.reason}`);
  return compiled.flatMap((one) => (one.kind === "pattern" ? [one.pattern] : []));
}

async function compiledSchemas(
  field: string,
  schemas: readonly unknown[],
  faults: string[],
): Promise<readonly CompiledSchema[]> {
  const compiled = await Promise.all(schemas.map(compileSchema));
  for (const one of compiled) if (one.kind === "bad") faults.push(`${field}: ${one.reason}`);
  return compiled.flatMap((one) => (one.kind === "check" ? [one] : []));
}

export function checkAnswer(checks: Checks, answer: string): Verdict {
  const rejected = checks.reject.find((pattern) => pattern.test(answer));
  if (rejected !== undefined) {
    return invalid(
      "output.rejected",
      `the answer matches the reject pattern ${JSON.stringify(rejected.source)}`,
      false,
    );
  }
  if (checks.contains?.test(answer) === false) {
    return invalid("output.contains", `the answer does not contain ${JSON.stringify(checks.contains.source)}`);
  }
  return checks.schemas.length === 0 ? { kind: "valid" } : checkSchemas(checks.schemas, answer);
}

function checkSchemas(schemas: readonly CompiledSchema[], answer: string): Verdict {
  const found = answerJson(answer);
  if (found.kind === "none") return invalid("output.schema", found.reason);
  const faults = schemas.flatMap((schema) => schema.faults(found.value)).slice(0, 5);
  if (faults.length > 0) return invalid("output.schema", `the answer does not match the schema: ${faults.join("; ")}`);
  return { kind: "valid", json: found.value };
}

export function invalid(code: OutputErrorCode, message: string, retryable = true): Verdict {
  return { kind: "invalid", code, message, retryable };
}

/** The semantic judge's reply, trimmed and compared whole (D25). Anything else is no verdict. */
export function readVerdict(reply: string): Verdict | { readonly kind: "unclear" } {
  const text = reply.trim();
  if (text === "VALID") return { kind: "valid" };
  if (!text.startsWith("INVALID:")) return { kind: "unclear" };
  const reason = text.slice("INVALID:".length).trim();
  return invalid("output.semantic", reason === "" ? "the criteria are not met" : reason);
}
