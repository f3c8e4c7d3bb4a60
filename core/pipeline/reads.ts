/** Which step results a template reads, and whether it may (api 2: a step outside the ancestors would depend on timing). */
import type { Field, Reads } from "./graph.ts";

const FIELDS: readonly Field[] = ["output", "rawOutput", "data"];

/** Names that stand in `paths` below `.steps` but not in `visible`. */
export function strangers(paths: readonly (readonly string[])[], visible: ReadonlySet<string>): readonly string[] {
  const named = paths.flatMap(([root, step]) => (root === "steps" && step !== undefined ? [step] : []));
  return [...new Set(named)].filter((step) => !visible.has(step));
}

/** A path that ends above a field, such as `.steps` or the whole data, reads everything below it. */
export function readsOf(paths: readonly (readonly string[])[], visible: ReadonlySet<string>): Reads {
  const reads = new Map<string, Set<Field>>();
  for (const [root, step, field] of paths) {
    if (root !== undefined && root !== "steps") continue;
    for (const name of step === undefined ? visible : [step]) {
      const known = reads.get(name) ?? new Set<Field>();
      reads.set(name, known);
      for (const each of FIELDS) if (field === undefined || field === each) known.add(each);
    }
  }
  return reads;
}
