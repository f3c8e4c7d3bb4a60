/** Keys of the work queue, `<Kind>:<namespace>/<name>`, and whom a change concerns beside its own object. */
import { isDeepStrictEqual } from "node:util";
import { keyOf, type Named, nameOf } from "#core/api/object-key.ts";
import type { Kind } from "#core/api/objects.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import type { Informers } from "./deps.ts";
import { LABELS } from "./resources/names.ts";
import { settingsOf } from "./state/agent-refs.ts";
import type { ChildView, RunView } from "./state/views.ts";

export function workKey(kind: Kind, key: string): string {
  return `${kind}:${key}`;
}

export function splitWorkKey(key: string): readonly [kind: string, key: string] {
  const at = key.indexOf(":");
  return [key.slice(0, at), key.slice(at + 1)];
}

/** Events that start it, teams that run it inside themselves. */
export function concernedByTeam(key: string, { events, teams }: Informers): string[] {
  const [namespace = "", name = ""] = key.split("/");
  return [
    ...keysOf("ArkEvent", events.values(), namespace, ({ spec }) => spec.targets.some(({ team }) => team === name)),
    ...keysOf("ArkTeam", teams.values(), namespace, ({ spec }) => spec.roles.some(({ arkTeam }) => arkTeam === name)),
  ];
}

export function concernedByAgent(key: string, agent: ArkAgent | undefined, informers: Informers): string[] {
  const { arkServices, events, teams } = informers;
  const [namespace = "", name = ""] = key.split("/");
  const team = agent?.metadata.labels?.[LABELS.team];
  return [
    ...(team === undefined ? [] : [workKey("ArkTeam", `${namespace}/${team}`)]),
    ...keysOf("ArkTeam", teams.values(), namespace, ({ spec }) => spec.roles.some(({ arkAgent }) => arkAgent === name)),
    ...keysOf("ArkEvent", events.values(), namespace, ({ spec }) => spec.targets.some((one) => one.agent === name)),
    ...keysOf("ArkService", arkServices.values(), namespace, ({ spec }) => spec.selector.arkAgent === name),
  ];
}

export function concernedBySettings(key: string, { agents }: Informers): string[] {
  const [namespace = "", name = ""] = key.split("/");
  return keysOf("ArkAgent", agents.values(), namespace, ({ spec }) => settingsOf(spec).includes(name));
}

/** Ports are one space of numbers: what one service has no more, or has now, is another's to have (D42). */
export function concernedByService(
  now: ArkService | undefined,
  before: ArkService | undefined,
  { arkServices }: Informers,
): string[] {
  if (isDeepStrictEqual(portsOf(now), portsOf(before))) return [];
  return [...arkServices.values()].map((one) => workKey("ArkService", keyOf(one)));
}

/** Of an object that is another, its ports are others. */
function portsOf(service: ArkService | undefined): unknown {
  if (service === undefined || service.metadata.deletionTimestamp !== undefined) return undefined;
  return [service.metadata.uid, service.spec.ports];
}

/** A run's turns alone concern others: its beginning, its phases, its going. */
export function concernedByRun(now: RunView | undefined, before: RunView | undefined): string[] {
  if (now !== undefined && before !== undefined && now.phase === before.phase) return [];
  const run = now ?? before;
  return run === undefined ? [] : startersOf(run);
}

function startersOf({ namespace, team, event }: RunView): string[] {
  return [
    ...(team === undefined ? [] : [workKey("ArkTeam", `${namespace}/${team}`)]),
    ...(event === undefined ? [] : [workKey("ArkEvent", `${namespace}/${event}`)]),
  ];
}

/** The owner stands in the labels, also where an owner reference cannot. */
export function concernedByChild(child: ChildView | undefined): string[] {
  const { labels = {}, namespace = "" } = child ?? {};
  const owned = (kind: Kind, label: string, at = namespace): string[] => {
    const name = labels[label];
    return name === undefined ? [] : [workKey(kind, `${at}/${name}`)];
  };
  return [
    ...owned("ArkEvent", LABELS.event, labels[LABELS.namespace]),
    ...owned("ArkAgent", LABELS.agent),
    ...owned("ArkService", LABELS.service),
  ];
}

function keysOf<T extends Named>(
  kind: Kind,
  objects: Iterable<T>,
  namespace: string,
  isConcerned: (object: T) => boolean,
): string[] {
  const found: string[] = [];
  for (const object of objects) {
    const isHere = nameOf(object).namespace === namespace;
    if (isHere && isConcerned(object)) found.push(workKey(kind, keyOf(object)));
  }
  return found;
}
