/** Bad input is refused at the door, by what `ark-triggers` knows of the targets' declared inputs (P10). */
import { inputFromBody } from "#core/events/body-input.ts";
import { isOfType } from "#core/pipeline/inputs.ts";
import type { TriggerRecord } from "#core/ports/events.ts";

export type InputFault = { readonly field: string; readonly detail: string };

type Target = TriggerRecord["targets"][number];

/** The first fault in order of targets and inputs. A target with templates of its own is judged once it is rendered. */
export function inputFault(targets: readonly Target[], body: unknown): InputFault | undefined {
  for (const target of targets) {
    const fault = target.hasInput ? undefined : faultOf(target, body);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOf(target: Target, body: unknown): InputFault | undefined {
  const given = inputFromBody(body, target);
  for (const { name, type, required, default: fallback } of target.inputs ?? []) {
    const value = given[name];
    if (value !== undefined) {
      if (!isOfType(value, type))
        return { field: name, detail: `Input ${name} of team ${target.team} must be a ${type}.` };
    } else if (required && fallback === undefined && target.defaults?.includes(name) !== true) {
      return { field: name, detail: `Input ${name} of team ${target.team} is required.` };
    }
  }
  return undefined;
}
