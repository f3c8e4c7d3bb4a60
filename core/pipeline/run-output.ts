/** The output of a run whose steps have all ended well. */
import { INLINE_LIMIT_BYTES, PREVIEW_CHARS, type Text } from "#core/events/text.ts";
import { utf8Length } from "#core/template/utf8.ts";
import { digestOf } from "./chance.ts";
import type { Graph } from "./graph.ts";
import { textFor } from "./policies.ts";
import { lostIn, readText, render, type Rendered, type View } from "./render.ts";
import type { RunState } from "./state.ts";

export type RunOutput =
  | { readonly kind: "output"; readonly output: Text }
  | { readonly kind: "failed"; readonly message: string };

const NOTHING: Text = { inline: "" };

/** A text above the inline limit is named by its digest; `renderedOutput` gives it to whoever stores it (S1). */
export function runOutput(view: View): RunOutput {
  const { output } = view.graph;
  if (output.kind === "step") return { kind: "output", output: stepText(view, output.step, output.field) ?? NOTHING };
  const rendered = renderedOutput(view);
  return rendered.kind === "failed" ? rendered : { kind: "output", output: asText(rendered.text) };
}

/** The text of an output that is made, not taken over. */
export function renderedOutput(view: View): Rendered {
  const { output } = view.graph;
  if (output.kind === "template") return render(output.source, "run-output", view);
  if (output.kind === "step") return { kind: "rendered", text: "" };
  const reads = new Map(output.steps.map((name) => [name, new Set(["rawOutput" as const])]));
  return lostIn(reads, "run-output", view) ?? { kind: "rendered", text: outputsObject(view, output.steps) };
}

/** Skipped steps have no output and are left out. */
function outputsObject(view: View, names: readonly string[]): string {
  const parts = names.flatMap((name) => {
    const text = stepText(view, name, "rawOutput");
    return text === undefined ? [] : [`${JSON.stringify(name)}:${JSON.stringify(readText(text, view.outputs))}`];
  });
  return `{${parts.join(",")}}`;
}

function stepText({ graph, state }: { graph: Graph; state: RunState }, name: string, field: "output" | "rawOutput") {
  const step = graph.byName.get(name);
  const result = state.steps[name]?.result;
  return step && result && textFor("run-output", step, result, field, graph);
}

function asText(text: string): Text {
  const bytes = utf8Length(text);
  if (bytes <= INLINE_LIMIT_BYTES) return { inline: text };
  return { ref: { digest: `sha256:${digestOf(text)}`, bytes, preview: text.slice(0, PREVIEW_CHARS) } };
}
