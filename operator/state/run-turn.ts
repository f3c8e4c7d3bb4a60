/** The Kubernetes Event of a run's turn, or undefined where there is nothing to tell (api 16). */
import { hasEnded, type RunView } from "./views.ts";

export type Turn = { readonly type: "Normal" | "Warning"; readonly reason: string; readonly note: string };

const FAILURES: Readonly<Record<string, string>> = {
  TimedOut: "RunTimedOut",
  Cancelled: "RunCancelled",
  BudgetExceeded: "BudgetExceeded",
  InvalidInput: "InvalidInput",
  Rejected: "Rejected",
};

/** A run that is seen for the first time has told its turns before, or has had none. */
export function runTurn(now: RunView, before: RunView | undefined): Turn | undefined {
  if (before === undefined || now.phase === before.phase) return undefined;
  if (now.phase === "Succeeded") return { type: "Normal", reason: "RunSucceeded", note: "the run succeeded" };
  if (now.phase === "Failed") return failure(now);
  if (now.phase !== "Running" || hasEnded(before)) return undefined;
  return { type: "Normal", reason: "RunStarted", note: "the run started" };
}

function failure({ outcome }: RunView): Turn {
  const { reason = "", message = "the run failed" } = outcome ?? {};
  return {
    type: "Warning",
    reason: FAILURES[reason] ?? "RunFailed",
    note: reason === "" ? message : `${reason}: ${message}`,
  };
}
