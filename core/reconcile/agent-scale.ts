/**
 * How many instances an agent may have, and how many its work calls for (api 3, `replicas`, `autoscaling`). Pure.
 *
 * Z1  0 replicas: none, whatever `autoscaling` says; tasks wait.
 * Z2  Never more than `most`, however much waits (D8).
 */
import type { ArkAgentSpec } from "../api/v1alpha1/ark-agent.ts";

export type AgentScale = {
  /** Tasks at once of one instance. */
  readonly slots: number;
  /** Instances that stay while idle, and the most there may be. */
  readonly least: number;
  readonly most: number;
  /** Tasks that call for one more instance. */
  readonly tasksEach: number;
};

const DEFAULT_SLOTS = 5;

type Sized = Pick<ArkAgentSpec, "replicas" | "autoscaling" | "limits">;

export function agentScale({ replicas, autoscaling, limits }: Sized): AgentScale {
  const slots = limits?.maxConcurrentTasks ?? DEFAULT_SLOTS;
  if (replicas === 0) return { slots, least: 0, most: 0, tasksEach: slots };
  if (autoscaling?.enabled === false) return { slots, least: replicas, most: replicas, tasksEach: slots };
  const { minReplicas = 0, maxReplicas = replicas, targetPendingTasks = slots } = autoscaling ?? {};
  return { slots, least: minReplicas, most: maxReplicas, tasksEach: targetPendingTasks };
}

/** Instances for so many tasks, waiting and running. */
export function instancesFor(tasks: number, { least, most, tasksEach }: AgentScale): number {
  return Math.min(Math.max(Math.ceil(tasks / tasksEach), least), most);
}

/** Slots that shall be awake for them. */
export function slotsFor(tasks: number, scale: AgentScale): number {
  return Math.min(tasks, instancesFor(tasks, scale) * scale.slots);
}
