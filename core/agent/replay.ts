/**
 * The turns that an earlier executor of the same task recorded (P3).
 *
 * R1  A recorded turn is used once, in order, in place of the call it records.
 * R2  What follows a turn that does not fit is not used: the loop goes on live from there.
 * R3  New turns are numbered after all recorded ones, so that no message id is used for two turns (P2).
 */
import type { RecordedTurn, TurnPurpose } from "./ports.ts";

type ModelTurn = Extract<RecordedTurn, { kind: "model" }>;
type ToolsTurn = Extract<RecordedTurn, { kind: "tools" }>;

export type Replay = {
  readonly model: (purpose: TurnPurpose) => ModelTurn | undefined;
  readonly tools: (callIds: readonly string[]) => ToolsTurn | undefined;
  /** The number a live turn is recorded under. */
  readonly take: () => number;
};

export function replayOf(recorded: readonly RecordedTurn[]): Replay {
  const turns = recorded.toSorted((a, b) => a.index - b.index);
  let next = (turns.at(-1)?.index ?? -1) + 1;
  let at = 0;
  const use = <T extends RecordedTurn>(turn: T | undefined): T | undefined => {
    at = turn === undefined ? turns.length : at + 1;
    return turn;
  };
  return {
    model: (purpose) => {
      const turn = turns[at];
      return use(turn?.kind === "model" && turn.purpose === purpose ? turn : undefined);
    },
    tools: (callIds) => {
      const turn = turns[at];
      return use(turn?.kind === "tools" && answers(turn, callIds) ? turn : undefined);
    },
    take: () => next++,
  };
}

function answers(turn: ToolsTurn, callIds: readonly string[]): boolean {
  return turn.results.length === callIds.length && turn.results.every((one, i) => one.callId === callIds[i]);
}
