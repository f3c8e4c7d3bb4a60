/** A checked pipeline. It depends on the plan fields of a spec alone, never on a run's input, so runs can share one. */
import type { ContextPolicy, Validation } from "#core/api/v1alpha1/ark-team.ts";
import type { CompiledTemplate } from "#core/template/compile.ts";

export type PlanReason = "TeamNotFound" | "InvalidDAG" | "InvalidTemplate" | "InvalidSchema" | "DuplicateStep";

/** `path` names the field, such as `spec.pipeline[1].dependsOn[0]` (P10). */
export type PlanFault = {
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  readonly reason: PlanReason;
};

/** What of a step's result a template reads. */
export type Field = "output" | "rawOutput" | "data";
/** By step; an empty set is a step of which only the status is read. */
export type Reads = ReadonlyMap<string, ReadonlySet<Field>>;

/** A compiled template, the field it stands in, and the steps it reads. */
export type Source = { readonly field: string; readonly template: CompiledTemplate; readonly reads: Reads };

export type InputSource = { readonly key: string; readonly source: Source };

export type PlannedInputs =
  | { readonly kind: "fields"; readonly fields: readonly InputSource[] }
  /** No inputs given: the run's own (api 2). */
  | { readonly kind: "run-input" }
  /** A run of one agent: the prompt stands in the spec, rendered. */
  | { readonly kind: "run-prompt" };

export type PlannedRetry = {
  readonly limit: number;
  readonly durationMs: number;
  readonly factor: number;
  readonly capMs: number;
};

export type PlannedStep = {
  readonly name: string;
  readonly target:
    | { readonly kind: "agent"; readonly agent: string }
    | { readonly kind: "team"; readonly team: string };
  readonly dependsOn: readonly string[];
  /** All steps that ended before this one starts. */
  readonly ancestors: ReadonlySet<string>;
  readonly inputs: PlannedInputs;
  readonly condition?: Source;
  readonly loop?: { readonly condition: Source; readonly maxIterations: number };
  readonly retry: PlannedRetry;
  readonly timeoutMs?: number;
  /** Compact JSON in declared order. */
  readonly outputSchema?: string;
  readonly validate?: Validation;
  /** The step's own policy; it holds for all its readers. */
  readonly contextPolicy?: ContextPolicy;
  /** The policy that somebody reads through, so that no compression is paid for in vain. */
  readonly appliedPolicy?: ContextPolicy;
};

export type PlannedOutput =
  /** One step's text as it stands, of any size: nothing is rendered. */
  | { readonly kind: "step"; readonly step: string; readonly field: "output" | "rawOutput" }
  /** Several steps that nothing depends on: a JSON object by name. */
  | { readonly kind: "object"; readonly steps: readonly string[] }
  | { readonly kind: "template"; readonly source: Source };

export type Graph = {
  /** In declared order. */
  readonly steps: readonly PlannedStep[];
  /** Dependencies first. */
  readonly order: readonly PlannedStep[];
  readonly byName: ReadonlyMap<string, PlannedStep>;
  readonly output: PlannedOutput;
  readonly defaultPolicy?: ContextPolicy;
};
