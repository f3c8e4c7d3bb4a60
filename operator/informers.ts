/** The informers of everything that the operator looks at, and their pokes. */
import type { Kind, ObjectOf } from "#core/api/objects.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Logger } from "#core/ports/log.ts";
import { isStatusAlone } from "#core/reconcile/status-alone.ts";
import type { Kube } from "#platform/kube/client.ts";
import type { Children, ResourceName } from "#platform/kube/children.ts";
import type { Recorder } from "#platform/kube/events.ts";
import { pathOf } from "#platform/kube/objects.ts";
import { watchObjects } from "#platform/kube/watch.ts";
import type { Applier } from "./applier.ts";
import type { Informers } from "./deps.ts";
import { createInformer, type Informer } from "./informer.ts";
import {
  concernedByAgent,
  concernedByChild,
  concernedByRun,
  concernedByService,
  concernedBySettings,
  concernedByTeam,
  workKey,
} from "./keys.ts";
import { tellTurns } from "./tell-run.ts";
import { MANAGED_SELECTOR } from "./resources/names.ts";
import { childView, type ChildView, runView } from "./state/views.ts";

export type InformerSources = {
  readonly kube: Kube;
  readonly children: Children;
  readonly applier: Pick<Applier, "forget">;
  readonly poke: (key: string) => void;
  /** Of many pokes in a short time, one counts: a burst of runs is one look at its team. For what is to be shown alone. */
  readonly pokeSoon: (key: string) => void;
  /** ArkAgents that go are put in, and taken out when they come back. */
  readonly departed: Set<string>;
  readonly recorder: Recorder;
  readonly log: Logger;
};

type Concerned<T> = (key: string, now: T | undefined, before: T | undefined) => readonly string[];

type More<K extends Kind, T> = {
  readonly look?: (object: ObjectOf<K>, now: T, before: T | undefined) => void;
  readonly isShownAlone?: (now: T, before: T) => boolean;
};

export function createInformers(sources: InformerSources): Informers {
  const { kube, children, applier, poke, pokeSoon, departed, recorder, log } = sources;
  const ark = <K extends Kind, T>(
    kind: K,
    keep: (object: ObjectOf<K>) => T,
    concerned: Concerned<T>,
    more: More<K, T> = {},
  ): Informer<T> =>
    createInformer<ObjectOf<K>, T>({
      kind,
      watch: (options) => watchObjects<ObjectOf<K>>(kube, pathOf(kind), options),
      keep,
      onChange: (key, now, before) => {
        const keys = [...concerned(key, now, before), workKey(kind, key)];
        const isQuiet = now !== undefined && before !== undefined && more.isShownAlone?.(now, before) === true;
        keys.forEach(isQuiet ? pokeSoon : poke);
      },
      ...(more.look !== undefined && { look: more.look }),
      log,
    });
  const whole = <K extends Kind>(kind: K, concerned: Concerned<ObjectOf<K>>): Informer<ObjectOf<K>> =>
    ark(kind, wholeOf(kind), concerned, { isShownAlone: isStatusAlone });
  const child = (name: ResourceName): Informer<ChildView> =>
    createInformer({
      kind: name,
      watch: (options) => children.watch(name, { ...options, labelSelector: MANAGED_SELECTOR }),
      keep: childView,
      onChange: (key, now, before) => {
        if (now === undefined) applier.forget(name, key);
        concernedByChild(now ?? before).forEach(poke);
      },
      log,
    });
  const informers: Informers = {
    events: whole("ArkEvent", () => []),
    teams: whole("ArkTeam", (key) => concernedByTeam(key, informers)),
    agents: whole("ArkAgent", (key, now, before) => {
      if (now === undefined) departed.add(key);
      else departed.delete(key);
      return concernedByAgent(key, now ?? before, informers);
    }),
    settings: whole("ArkSettings", (key) => concernedBySettings(key, informers)),
    arkServices: whole("ArkService", (_key, now, before) => concernedByService(now, before, informers)),
    runs: ark(
      "ArkRun",
      runView,
      (_key, now, before) => {
        concernedByRun(now, before).forEach(pokeSoon);
        return [];
      },
      {
        look: (run, now, before) =>
          tellTurns(run, now, before, { teamOf: (key) => informers.teams.get(key), recorder }),
      },
    ),
    triggers: child("Trigger"),
    pingSources: child("PingSource"),
    services: child("Service"),
    revisions: child("Revision"),
    configMaps: child("ConfigMap"),
    networkPolicies: child("NetworkPolicy"),
  };
  return informers;
}

/** Items of a list carry neither kind nor apiVersion; whose fields are whose is of no use here, and large. */
function wholeOf<K extends Kind>(kind: K): (object: ObjectOf<K>) => ObjectOf<K> {
  return (object) => {
    const { managedFields: _fields, ...metadata } = object.metadata;
    return { ...object, apiVersion: API_VERSION, kind, metadata };
  };
}
