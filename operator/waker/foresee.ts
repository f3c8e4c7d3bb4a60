/** Which pools a fire asks first, read from the objects before there is any run (W4). Pure. */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { roleAgentName } from "#core/reconcile/role-agents.ts";
import { COLLECTOR, DISPATCHER } from "./plan.ts";

/** Keys as in `planWakes`. `team`: of the event's namespace. */
export function foresee(event: ArkEvent, team: (name: string) => ArkTeam | undefined): readonly string[] {
  const { namespace = "default" } = event.metadata;
  const { suspended, targets } = event.spec;
  if (suspended) return [];
  const agents = new Set<string>();
  const teams = new Set<string>();
  const addTeam = (name: string): void => {
    const found = teams.has(name) ? undefined : team(name);
    teams.add(name);
    for (const role of found === undefined ? [] : firstRoles(found)) {
      if (role.arkTeam !== undefined) addTeam(role.arkTeam);
      else agents.add(roleAgentName(name, role));
    }
  };
  for (const target of targets) {
    if (target.agent !== undefined) agents.add(target.agent);
    if (target.team !== undefined) addTeam(target.team);
  }
  return [DISPATCHER, COLLECTOR, ...[...agents].map((agent) => `${namespace}/${agent}`)];
}

/** Of the steps that depend on nothing. */
function firstRoles({ spec }: ArkTeam) {
  const first = new Set(spec.pipeline.filter(({ dependsOn = [] }) => dependsOn.length === 0).map(({ role }) => role));
  return spec.roles.filter(({ name }) => first.has(name));
}
