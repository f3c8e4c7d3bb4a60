/** A team's input, judged before anything is started (P10). */
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { ArkError } from "#core/errors.ts";
import { inputFaults } from "#core/pipeline/inputs.ts";

/** Throws ArkError `input.invalid`; `given` is what the user says beside the team's own `input`. */
export function requireInput(team: ArkTeam, given: Readonly<Record<string, string>>): void {
  const input = { ...team.spec.input, ...given };
  const faults = inputFaults({ ...team.spec, input });
  if (faults.length === 0) return;
  const missing = (team.spec.inputs ?? []).filter(({ required }) => required).map(({ name }) => `--input ${name}=…`);
  throw new ArkError("input.invalid", faults.join("; "), `Give it with ${missing.join(" ") || "--input key=value"}.`);
}
