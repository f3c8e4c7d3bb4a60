/** From a target and what fired it to what its run is given (api 1, `targets[]`). */
import type { ArkEvent, Target } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { inputFromBody } from "#core/events/body-input.ts";
import type { TriggerContext } from "#core/events/trigger-context.ts";
import { compileTemplate, type TemplateFault } from "#core/template/compile.ts";

export type Rendered<T> =
  | { readonly kind: "rendered"; readonly value: T }
  | { readonly kind: "failed"; readonly message: string };

/**
 * The team's defaults, overridden by the target's `input`; without one, by those keys of a webhook's flat body that the
 * team names.
 */
export function teamInput(
  event: ArkEvent,
  target: Target,
  team: ArkTeam,
  context: TriggerContext,
): Rendered<Record<string, string>> {
  const { input: defaults = {}, inputs = [] } = team.spec;
  if (target.input !== undefined) {
    const own = renderMap(target.input, context);
    return own.kind === "failed" ? own : { kind: "rendered", value: { ...defaults, ...own.value } };
  }
  const body = event.spec.source.type === "webhook" ? context.trigger["body"] : undefined;
  const given = inputFromBody(body, { inputs, defaults: Object.keys(defaults) });
  return { kind: "rendered", value: { ...defaults, ...given } };
}

export function renderMap(
  templates: Readonly<Record<string, string>>,
  context: TriggerContext,
): Rendered<Record<string, string>> {
  const value: Record<string, string> = {};
  for (const [name, source] of Object.entries(templates)) {
    const rendered = renderText(source, context, `input.${name}`);
    if (rendered.kind === "failed") return rendered;
    value[name] = rendered.value;
  }
  return { kind: "rendered", value };
}

export function renderText(source: string, context: TriggerContext, field: string): Rendered<string> {
  const compiled = compileTemplate(source);
  if (compiled.kind === "refused") return { kind: "failed", message: sayFault(field, compiled.fault) };
  const outcome = compiled.template.render(context);
  return outcome.kind === "rendered"
    ? { kind: "rendered", value: outcome.text }
    : { kind: "failed", message: sayFault(field, outcome.fault) };
}

function sayFault(field: string, fault: TemplateFault): string {
  return `${field}, line ${fault.line}, column ${fault.column}: ${fault.message}`;
}
