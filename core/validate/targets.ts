/** Templates of an ArkEvent's targets: they see `.trigger` alone, and of it what their source gives (api 12). */
import { didYouMean, pathText, type Fault } from "#core/api/fault.ts";
import type { ArkEvent, EventSource } from "#core/api/v1alpha1/ark-event.ts";
import { compileTemplate } from "#core/template/compile.ts";
import type { Findings } from "./texts.ts";

const OF_ALL = ["name", "firedAt", "event"];
const OF_TYPE: Readonly<Record<EventSource["type"], readonly string[]>> = {
  webhook: ["body"],
  cron: [],
  "team-output": ["output", "runName", "phase"],
  cloudevent: ["body"],
};

type Text = { readonly at: readonly PropertyKey[]; readonly source: string };

function texts({ spec }: ArkEvent): Text[] {
  return spec.targets.flatMap(({ prompt, input }, i) => [
    ...(prompt === undefined ? [] : [{ at: ["spec", "targets", i, "prompt"], source: prompt }]),
    ...Object.entries(input ?? {}).map(([key, source]) => ({ at: ["spec", "targets", i, "input", key], source })),
  ]);
}

/** What is read and is never there renders empty: that is no fault, and rarely meant. */
function emptyReads(paths: readonly (readonly string[])[], type: EventSource["type"], path: string): Fault[] {
  const known = [...OF_ALL, ...OF_TYPE[type]];
  return paths.flatMap(([root, field]): Fault[] => {
    if (root !== undefined && root !== "trigger") {
      return [{ path, message: `.${root} is always empty here: targets see .trigger only` }];
    }
    if (field === undefined || known.includes(field)) return [];
    const message = `.trigger.${field} is always empty with source type ${type}`;
    return [{ path, message, ...didYouMean(field, known) }];
  });
}

export function targetTexts(event: ArkEvent): Findings {
  const faults: Fault[] = [];
  const warnings: Fault[] = [];
  for (const { at, source } of texts(event)) {
    const path = pathText(at);
    const outcome = compileTemplate(source);
    if (outcome.kind === "compiled") {
      warnings.push(...emptyReads(outcome.template.paths, event.spec.source.type, path));
      continue;
    }
    const { line, column, message, hint } = outcome.fault;
    faults.push({
      path,
      message: `line ${line}, column ${column}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return { faults, warnings };
}
