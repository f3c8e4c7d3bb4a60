/**
 * Renders the templates of a run over its state.
 *
 * R1  Only steps that a template may read are in its data (G2), so no rendering depends on timing.
 * R2  Step outputs are marked in prompts and nowhere else (E6).
 * R3  A text that is lost fails what reads it, and names the step that makes it anew (P4).
 */
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { Text } from "#core/events/text.ts";
import { wrapStepOutput } from "#core/events/marks.ts";
import { parseJson } from "#core/json.ts";
import type { RenderHooks, TemplateFault } from "#core/template/compile.ts";
import type { Graph, PlannedStep, Reads, Source } from "./graph.ts";
import { resolveInput } from "./inputs.ts";
import { textFor, type Reader } from "./policies.ts";
import type { RunState, StepState } from "./state.ts";

/** Texts above the inline limit, by digest: what `neededOutputs` asked for. Undefined: the store has it no more. */
export type Outputs = ReadonlyMap<string, string | undefined>;

export type View = { readonly graph: Graph; readonly state: RunState; readonly outputs: Outputs };

export type NotRendered = {
  readonly kind: "failed";
  readonly code: "template.failed" | "output.lost";
  /** Names field, line and column, or the step whose text is lost. */
  readonly message: string;
};

export type Rendered = { readonly kind: "rendered"; readonly text: string } | NotRendered;

export type RenderedFields =
  | { readonly kind: "rendered"; readonly fields: readonly (readonly [key: string, text: string])[] }
  | NotRendered;

/** Throws when the caller did not load what `neededOutputs` named: a bug, not an outcome. */
export function readText(text: Text, outputs: Outputs): string {
  if ("inline" in text) return text.inline;
  const loaded = outputs.get(text.ref.digest);
  if (loaded === undefined) throw new Error(`output ${text.ref.digest} was not loaded`);
  return loaded;
}

export function render(source: Source, reader: Reader, view: View, hooks?: RenderHooks): Rendered {
  const lost = lostIn(source.reads, reader, view);
  if (lost !== undefined) return lost;
  const data = { input: resolveInput(view.state.spec), steps: stepsData(source, reader, view) };
  const first = source.template.render(data, hooks);
  // Rendering has a limit on time, which a process that was stopped for a moment passes too: only a second failure counts.
  const outcome = first.kind === "rendered" ? first : source.template.render(data, hooks);
  if (outcome.kind === "rendered") return outcome;
  return { kind: "failed", code: "template.failed", message: `${source.field}: ${faultText(outcome.fault)}` };
}

/** R3. */
export function lostIn(reads: Reads, reader: Reader, { graph, state, outputs }: View): NotRendered | undefined {
  const isLost = (text: Text | undefined): boolean =>
    text !== undefined && "ref" in text && outputs.has(text.ref.digest) && outputs.get(text.ref.digest) === undefined;
  for (const [name, fields] of reads) {
    const step = graph.byName.get(name);
    const result = state.steps[name]?.result;
    if (step === undefined || result === undefined) continue;
    if (![...fields].some((field) => isLost(textFor(reader, step, result, field, graph)))) continue;
    const message = `the text of step ${name} is not in the store any more: ark retry ${state.run} --step ${name}`;
    return { kind: "failed", code: "output.lost", message };
  }
  return undefined;
}

function faultText({ line, column, message, hint }: TemplateFault): string {
  return `line ${line}, column ${column}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
}

/** The inputs of a step, as its prompt needs them (marked) or as another team's run takes them (plain). */
export function renderInputs(step: PlannedStep, view: View, purpose: "prompt" | "child"): RenderedFields {
  const { spec } = view.state;
  if (step.inputs.kind === "run-prompt") return { kind: "rendered", fields: promptFields(spec) };
  if (step.inputs.kind === "run-input") return { kind: "rendered", fields: Object.entries(resolveInput(spec)) };
  const fields: [string, string][] = [];
  for (const { key, source } of step.inputs.fields) {
    const rendered = render(source, step, view, purpose === "prompt" ? MARKED : undefined);
    if (rendered.kind === "failed") return rendered;
    fields.push([key, rendered.text]);
  }
  return { kind: "rendered", fields };
}

/** A run of one agent: its prompt, then what it was given beside it, each under its name. */
function promptFields({ prompt = "", input = {} }: ArkRunSpec): [string, string][] {
  return [["prompt", prompt], ...Object.entries(input).filter(([key]) => key !== "prompt")];
}

const SCHEMA_LINE = "Answer with JSON that matches this JSON Schema, and with nothing else:";

/** api 11, "Prompt of a step". Equal specs and inputs give equal bytes. */
export function promptOf(step: PlannedStep, fields: readonly (readonly [string, string])[]): string {
  const [first] = fields;
  const alone = fields.length === 1 && first?.[0] === "prompt";
  const text = alone ? (first?.[1] ?? "") : fields.map(([key, value]) => `${key}: ${value}`).join("\n");
  return step.outputSchema === undefined ? text : `${text}\n\n${SCHEMA_LINE}\n${step.outputSchema}`;
}

/** The whole data, or all of `.steps`, counts as step output (E6); a status is the engine's own word. */
const MARKED: RenderHooks = {
  print: (path, text) => {
    const [root, step = "all", field] = path ?? ["-"];
    if ((root !== undefined && root !== "steps") || field === "status" || text === "") return text;
    return wrapStepOutput(step, text);
  },
};

function stepsData({ reads }: Source, reader: Reader, view: View): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const [name, fields] of reads) {
    const step = view.graph.byName.get(name);
    const state = view.state.steps[name];
    if (step === undefined || state === undefined) continue;
    const value: Record<string, unknown> = { status: statusWord(state) };
    for (const field of fields) {
      const text = state.result && textFor(reader, step, state.result, field, view.graph);
      value[field] = readField(field, text, view.outputs);
    }
    data[name] = value;
  }
  return data;
}

function readField(field: string, text: Text | undefined, outputs: Outputs): unknown {
  const read = text === undefined ? undefined : readText(text, outputs);
  if (field !== "data") return read ?? "";
  return read === undefined ? undefined : parseJson(read);
}

/** A loop that reads itself sees the iteration before as a success, which it was. */
function statusWord(state: StepState): string {
  if (state.phase === "skipped") return "Skipped";
  return state.result === undefined ? "Pending" : "Succeeded";
}
