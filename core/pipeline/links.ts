/** Names, dependencies and the order of steps (G1). */
import type { Step } from "#core/api/v1alpha1/ark-team.ts";
import type { PlanFault } from "./graph.ts";

export type Links = {
  /** By index of the pipeline. */
  readonly names: readonly string[];
  /** Dependencies first; without the steps of a ring. */
  readonly order: readonly string[];
  readonly ancestors: ReadonlyMap<string, ReadonlySet<string>>;
};

export function linkSteps(pipeline: readonly Step[], faults: PlanFault[]): Links {
  const names = pipeline.map((step) => step.name ?? step.role);
  const dependencies = new Map<string, readonly string[]>();
  pipeline.forEach((step, i) => {
    const name = names[i] ?? "";
    if (names.indexOf(name) !== i) {
      const [path, hint] = [step.name === undefined ? "role" : "name", "give each step of a role its own name"];
      faults.push({
        path: `spec.pipeline[${i}].${path}`,
        message: `two steps are called ${name}`,
        hint,
        reason: "DuplicateStep",
      });
      return;
    }
    dependencies.set(name, checkedDependencies(step, i, name, names, faults));
  });
  const { order, ancestors } = sort(dependencies);
  if (order.length < dependencies.size) faults.push(ringFault(dependencies, new Set(order), names));
  return { names, order, ancestors };
}

function checkedDependencies(
  step: Step,
  index: number,
  name: string,
  names: readonly string[],
  faults: PlanFault[],
): string[] {
  return (step.dependsOn ?? []).filter((dependency, k) => {
    const path = `spec.pipeline[${index}].dependsOn[${k}]`;
    if (dependency === name) {
      faults.push({ path, message: `step ${name} depends on itself`, reason: "InvalidDAG" });
      return false;
    }
    if (names.includes(dependency)) return true;
    const hint = `steps are ${names.join(", ")}`;
    faults.push({ path, message: `no step is called ${dependency}`, hint, reason: "InvalidDAG" });
    return false;
  });
}

/** Kahn's algorithm, in declared order among steps that are ready together. */
function sort(dependencies: ReadonlyMap<string, readonly string[]>): Pick<Links, "order" | "ancestors"> {
  const ancestors = new Map<string, ReadonlySet<string>>();
  const waiting = new Set(dependencies.keys());
  for (let before = -1; before !== waiting.size;) {
    before = waiting.size;
    for (const name of waiting) {
      const needed = dependencies.get(name) ?? [];
      if (!needed.every((dependency) => ancestors.has(dependency))) continue;
      ancestors.set(name, new Set(needed.flatMap((dependency) => [dependency, ...(ancestors.get(dependency) ?? [])])));
      waiting.delete(name);
    }
  }
  return { order: [...ancestors.keys()], ancestors };
}

/** Walks unsorted dependencies until a step comes again: each unsorted step has at least one. */
function ringFault(
  dependencies: ReadonlyMap<string, readonly string[]>,
  sorted: ReadonlySet<string>,
  names: readonly string[],
): PlanFault {
  const unsorted = (name: string | undefined): string | undefined =>
    dependencies.get(name ?? "")?.find((dependency) => !sorted.has(dependency));
  const walked: string[] = [];
  let at = [...dependencies.keys()].find((name) => !sorted.has(name));
  for (; at !== undefined && !walked.includes(at); at = unsorted(at)) walked.push(at);
  const ring = walked.slice(walked.indexOf(at ?? ""));
  const [first = ""] = ring;
  const k = dependencies.get(first)?.indexOf(unsorted(first) ?? "") ?? 0;
  return {
    path: `spec.pipeline[${names.indexOf(first)}].dependsOn[${k}]`,
    message: `steps wait for each other: ${[...ring, first].join(" -> ")}`,
    reason: "InvalidDAG",
  };
}
