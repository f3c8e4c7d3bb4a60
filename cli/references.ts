/** References between objects that are read together: each names something that is there. Pure. */
import type { Fault } from "#core/api/fault.ts";
import type { ArkObject } from "#core/api/objects.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { roleAgents } from "#core/reconcile/role-agents.ts";

type Document = { readonly kind?: string; readonly metadata?: unknown };
/** With whatever the caller keeps beside it. */
type Placed = { readonly object: ArkObject };
type Found<P extends Placed> = { readonly of: P; readonly fault: Fault };
type Reference = { readonly path: string; readonly kind: "ArkTeam" | "ArkAgent"; readonly name: string };

/** `documents`: all that was read, so that an object with a fault of its own still counts as there. */
export function referenceFaults<P extends Placed>(
  placed: readonly P[],
  documents: readonly Document[],
): readonly Found<P>[] {
  const known = new Set([...documents.map(documentKey), ...placed.flatMap(({ object }) => keysOf(object))]);
  return placed.flatMap((of) =>
    referencesOf(of.object)
      .filter(({ kind, name }) => !known.has(keyOf(of.object, kind, name)))
      .map(({ path, kind, name }) => ({
        of,
        fault: { path, message: `no ${kind} ${JSON.stringify(name)} in these files` },
      })),
  );
}

function documentKey({ kind, metadata }: Document): string {
  const { namespace = "default", name = "" } = (metadata ?? {}) as { namespace?: string; name?: string };
  return `${namespace}/${String(kind)}/${name}`;
}

function keyOf(object: ArkObject, kind: string, name: string): string {
  return `${object.metadata.namespace ?? "default"}/${kind}/${name}`;
}

/** A team's inline roles are agents too. */
function keysOf(object: ArkObject): readonly string[] {
  const own = keyOf(object, object.kind, object.metadata.name ?? "");
  if (object.kind !== "ArkTeam") return [own];
  return [own, ...roleAgents(object).map(({ metadata }) => keyOf(object, "ArkAgent", metadata.name ?? ""))];
}

function referencesOf(object: ArkObject): readonly Reference[] {
  if (object.kind === "ArkTeam") return teamReferences(object);
  return object.kind === "ArkEvent" ? eventReferences(object) : [];
}

function teamReferences({ spec }: ArkTeam): readonly Reference[] {
  return spec.roles.flatMap(({ arkAgent, arkTeam }, index): Reference[] => {
    const path = `spec.roles[${index}]`;
    if (arkAgent !== undefined) return [{ path: `${path}.arkAgent`, kind: "ArkAgent", name: arkAgent }];
    return arkTeam === undefined ? [] : [{ path: `${path}.arkTeam`, kind: "ArkTeam", name: arkTeam }];
  });
}

function eventReferences({ spec }: ArkEvent): readonly Reference[] {
  const source = spec.source.teamOutput;
  const upstream: Reference[] =
    source === undefined ? [] : [{ path: "spec.source.teamOutput.name", kind: "ArkTeam", name: source.name }];
  const targets = spec.targets.flatMap(({ team, agent }, index): Reference[] => {
    const path = `spec.targets[${index}]`;
    if (team !== undefined) return [{ path: `${path}.team`, kind: "ArkTeam", name: team }];
    return agent === undefined ? [] : [{ path: `${path}.agent`, kind: "ArkAgent", name: agent }];
  });
  return [...upstream, ...targets];
}
