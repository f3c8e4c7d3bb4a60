/** What an agent's Knative Service says of itself, as a reason of the ArkAgent's condition Ready. */
import type { ChildView } from "./views.ts";

export type Unready = { readonly reason: string; readonly message: string };

/** Undefined: it can be woken. */
export function agentReadiness(service: ChildView | undefined): Unready | undefined {
  if (service?.ready === undefined) return { reason: "Progressing", message: "the Knative Service is being made" };
  const { status, reason, message } = service.ready;
  if (status === "True") return undefined;
  const words = [reason, message].filter(Boolean).join(": ");
  if (status === "Unknown") return { reason: "Progressing", message: words || "the Knative Service is not ready yet" };
  return { reason: "ReconcileError", message: `the Knative Service is not ready: ${words}` };
}
