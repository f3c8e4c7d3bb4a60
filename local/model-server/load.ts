/** `mock.yaml` → script. Faults name the field, all at once (P10). */
import * as z from "zod";
import { parseDocument } from "yaml";
import { RuleSchema, type Script } from "./script.ts";

const FileSchema = z.strictObject({ rules: z.array(RuleSchema).min(1) });

export type LoadedScript =
  | { readonly kind: "script"; readonly script: Script }
  | { readonly kind: "faults"; readonly faults: readonly { readonly path: string; readonly message: string }[] };

export function loadScript(yaml: string): LoadedScript {
  const document = parseDocument(yaml);
  if (document.errors.length > 0) {
    return { kind: "faults", faults: document.errors.map((error) => ({ path: "", message: error.message })) };
  }
  const parsed = FileSchema.safeParse(document.toJS());
  if (parsed.success) return { kind: "script", script: parsed.data as Script };
  return {
    kind: "faults",
    faults: parsed.error.issues.map((issue) => ({ path: pathOf(issue), message: issue.message })),
  };
}

function pathOf(issue: z.core.$ZodIssue): string {
  return issue.path.reduce<string>((whole, part) => {
    if (typeof part === "number") return `${whole}[${part}]`;
    return whole === "" ? String(part) : `${whole}.${String(part)}`;
  }, "");
}
