/**
 * What an API server cannot judge of teams and agents, and takes: patterns, JSON Schemas, templates, the graph of steps
 * (api 2, 3). CEL sees the shape of a spec, and nothing inside its texts.
 */
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { planTeam } from "#core/pipeline/plan.ts";
import { validateObject, type Fault } from "./validate.ts";

/** `reason`: of the condition Ready. */
export type SpecFault = { readonly path: string; readonly message: string; readonly reason: string };

/** Never rejects. */
export async function teamFaults(team: ArkTeam): Promise<readonly SpecFault[]> {
  const judged = await validateObject(withoutStatus(team));
  if (judged.kind === "valid") return [];
  const planned = judged.object === undefined ? undefined : planTeam(team.metadata.name ?? "", team.spec);
  const inGraph = new Map(planned?.kind === "faults" ? planned.faults.map(({ path, reason }) => [path, reason]) : []);
  return judged.faults.map((fault) => specFault(fault, inGraph.get(fault.path) ?? "InvalidSchema"));
}

/** Never rejects. */
export async function agentFaults(agent: ArkAgent): Promise<readonly SpecFault[]> {
  const judged = await validateObject(withoutStatus(agent));
  return judged.kind === "valid" ? [] : judged.faults.map((fault) => specFault(fault, "InvalidSpec"));
}

/** A status is the operator's own word, of an earlier version maybe. */
function withoutStatus<T extends ArkAgent | ArkTeam>(object: T): Omit<T, "status"> {
  const { status: _status, ...asked } = object;
  return asked;
}

function specFault({ path, message, hint }: Fault, reason: string): SpecFault {
  return { path, message: hint === undefined ? message : `${message}; ${hint}`, reason };
}
