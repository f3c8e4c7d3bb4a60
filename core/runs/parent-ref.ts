/**
 * Which attempt of which run a nested run works for: in the request of its parent's engine, and kept on its ArkRun.
 *
 * N1  A nested run stands in its parent's namespace, and so do the budgets above it. Whoever may create ArkRuns may write
 *     their annotations too: a parent elsewhere is none, or one namespace could report to another's steps and spend its
 *     budgets.
 */
import * as z from "zod";
import type { ParentRef } from "#core/events/facts.ts";
import { parseJson } from "#core/json.ts";

export const ParentRefSchema = z.object({
  namespace: z.string(),
  run: z.string(),
  uid: z.string(),
  step: z.string(),
  iteration: z.int(),
  attempt: z.int(),
  budgets: z
    .array(z.object({ key: z.string(), limit: z.number(), windowMs: z.number().exactOptional() }))
    .exactOptional(),
});

/** N1. `annotation`: JSON of a ParentRef; undefined for anything else. */
export function parentOf(annotation: string | undefined, namespace: string): ParentRef | undefined {
  if (annotation === undefined) return undefined;
  const parsed = ParentRefSchema.safeParse(parseJson(annotation));
  if (!parsed.success) return undefined;
  const parent: ParentRef = parsed.data;
  const isHere = parent.namespace === namespace && (parent.budgets ?? []).every(({ key }) => isOf(namespace, key));
  return isHere ? parent : undefined;
}

/** Keys of budgets: `<kind>.<namespace>.<name>`. */
function isOf(namespace: string, key: string): boolean {
  return key.split(".")[1] === namespace;
}
