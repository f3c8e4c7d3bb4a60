/** A task that a router meant for another instance goes there, while that one has room (api 5, D42). */
import type { Task } from "#core/events/tasks.ts";
import type { Delivery } from "#core/ports/record.ts";
import type { HandOver } from "#core/ports/services.ts";

/** A task that was delivered before has had its chance there: whoever has it now works on it. Never rejects. */
export async function place(
  delivery: Delivery<Task>,
  self: string,
  handOver: Pick<HandOver, "offer">,
): Promise<"ours" | "handed"> {
  const { prefer, namespace, agent } = delivery.value;
  if (prefer === undefined || prefer === self || delivery.deliveries > 1) return "ours";
  return (await handOver.offer({ namespace, agent }, prefer, delivery)) === "taken" ? "handed" : "ours";
}
