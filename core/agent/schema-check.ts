/** JSON Schema 2020-12, checked in full, `format` included; a `$ref` to elsewhere does not compile (D14). */
import { isJsonObject } from "#core/json.ts";

export type SchemaCheck =
  | { readonly kind: "check"; readonly faults: (value: unknown) => readonly string[] }
  | { readonly kind: "bad"; readonly reason: string };

const MOST_FAULTS = 5;

/** `schema` may be JSON text. Faults are the first five, each with its JSON pointer; none means it matches. */
export async function compileSchema(schema: unknown): Promise<SchemaCheck> {
  const [{ Ajv2020 }, formats] = await Promise.all([import("ajv/dist/2020.js"), import("ajv-formats")]);
  try {
    const parsed: unknown = typeof schema === "string" ? JSON.parse(schema) : schema;
    if (!isSchema(parsed)) return { kind: "bad", reason: "the schema is neither an object nor a boolean" };
    const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false });
    formats.default.default(ajv);
    const matches = ajv.compile(parsed);
    return {
      kind: "check",
      faults: (value) => {
        if (matches(value)) return [];
        return (matches.errors ?? []).slice(0, MOST_FAULTS).map(describe);
      },
    };
  } catch (error) {
    return { kind: "bad", reason: `the schema does not compile: ${(error as Error).message}` };
  }
}

function isSchema(value: unknown): value is Record<string, unknown> | boolean {
  return typeof value === "boolean" || isJsonObject(value);
}

type Fault = { instancePath: string; message?: string | undefined; params: Record<string, unknown> };

function describe({ instancePath, message, params }: Fault): string {
  const named = ["additionalProperty", "unevaluatedProperty", "allowedValues", "allowedValue"]
    .filter((key) => key in params)
    .map((key) => ` (${JSON.stringify(params[key])})`)
    .join("");
  return `${instancePath === "" ? "(root)" : instancePath}: ${message ?? "does not match"}${named}`;
}
