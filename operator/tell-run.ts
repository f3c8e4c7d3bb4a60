/** A run's turns, and its steps', told on the run itself and on its team. */
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import type { Recorder } from "#platform/kube/events.ts";
import { runTurn, type Turn } from "./state/run-turn.ts";
import { stepTurns } from "./state/step-turns.ts";
import type { RunView } from "./state/views.ts";
import { regarding, tellTurn } from "./tell.ts";

export type TellRun = {
  readonly teamOf: (key: string) => ArkTeam | undefined;
  readonly recorder: Recorder;
};

export function tellTurns(run: ArkRun, now: RunView, before: RunView | undefined, { teamOf, recorder }: TellRun): void {
  const own = runTurn(now, before);
  const turns = [...stepTurns(run.status?.steps ?? [], before), ...(own === undefined ? [] : [own])];
  const team = now.team === undefined ? undefined : teamOf(`${now.namespace}/${now.team}`);
  for (const turn of turns) {
    tellTurn(recorder, regarding("ArkRun", run), turn);
    if (team !== undefined) tellTurn(recorder, regarding("ArkTeam", team), onTeam(turn, now.name));
  }
}

/** Without the run's name a team's good turns are one series each, however many runs it has. */
function onTeam(turn: Turn, run: string): Turn {
  return turn.type === "Normal" ? turn : { ...turn, note: `${run}: ${turn.note}` };
}
