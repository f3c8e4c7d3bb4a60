/** A run's turns, and its steps', told on the run itself and on its team. */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import type { Recorder } from "#platform/kube/events.ts";
import { runTurn } from "./state/run-turn.ts";
import { stepTurns } from "./state/step-turns.ts";
import type { RunView } from "./state/views.ts";
import { regarding } from "./tell.ts";

export type TellRun = {
  readonly teamOf: (key: string) => ArkTeam | undefined;
  readonly recorder: Recorder;
};

export function tellTurns(run: ArkRun, now: RunView, before: RunView | undefined, { teamOf, recorder }: TellRun): void {
  const own = runTurn(now, before);
  const ofSteps = stepTurns(run.status?.steps ?? [], before);
  // What came last is told last.
  const turns = own?.reason === "RunStarted" ? [own, ...ofSteps] : [...ofSteps, ...(own === undefined ? [] : [own])];
  if (turns.length === 0) return;
  const team = now.team === undefined ? undefined : teamOf(`${now.namespace}/${now.team}`);
  for (const { type, reason, note } of turns) {
    recorder.tell(regarding("ArkRun", run), { type, reason, action: reason, note });
    if (team === undefined) continue;
    // Without the run's name a team's good turns are one series each, however many runs it has.
    const onTeam = type === "Normal" ? note : `${now.name}: ${note}`;
    recorder.tell(regarding("ArkTeam", team), { type, reason, action: reason, note: onTeam });
  }
}
