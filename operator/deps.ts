/** What the reconcilers need: one record, of what a term is given and of what it makes for itself. */
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkSettings } from "#core/api/v1alpha1/ark-settings.ts";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import type { Logger } from "#core/ports/log.ts";
import type { FireTallies, Outbox, Replay, Replays, Triggers } from "#core/ports/events.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { ProbeAnswers } from "#core/ports/probes.ts";
import type { FactLog, RunStates, TaskQueues, UsageTally } from "#core/ports/record.ts";
import type { Instances, Services } from "#core/ports/services.ts";
import type { ToolServers } from "#core/ports/tool-servers.ts";
import type { SignerOutcome } from "#platform/jetstream/users.ts";
import type { Children } from "#platform/kube/children.ts";
import type { Recorder } from "#platform/kube/events.ts";
import type { Finalizers } from "#platform/kube/finalizers.ts";
import type { WorkOutcome } from "#platform/kube/work-queue.ts";
import type { Applier } from "./applier.ts";
import type { Config } from "./config.ts";
import type { Informer } from "./informer.ts";
import type { ChildView, RunView } from "./state/views.ts";
import type { ExposedPorts } from "./exposed-ports.ts";
import type { Judged } from "./judged.ts";
import type { PortPlan } from "./port-plan.ts";
import type { RecordTokens } from "./record-tokens.ts";
import type { References } from "./references.ts";
import type { TriggerLane } from "./trigger-lane.ts";

export type Informers = {
  readonly events: Informer<ArkEvent>;
  readonly teams: Informer<ArkTeam>;
  readonly agents: Informer<ArkAgent>;
  readonly settings: Informer<ArkSettings>;
  readonly arkServices: Informer<ArkService>;
  readonly runs: Informer<RunView>;
  readonly triggers: Informer<ChildView>;
  readonly pingSources: Informer<ChildView>;
  readonly services: Informer<ChildView>;
  readonly revisions: Informer<ChildView>;
  readonly configMaps: Informer<ChildView>;
  readonly networkPolicies: Informer<ChildView>;
};

export type Pool = { readonly namespace: string; readonly agent: string };

/** Built in `main.ts` and in tests. */
export type World = {
  readonly config: Config;
  readonly objects: Objects;
  readonly children: Children;
  readonly applier: Applier;
  readonly finalizers: Finalizers;
  readonly references: References;
  readonly triggers: Triggers;
  readonly tallies: FireTallies;
  readonly letters: Replay;
  readonly replays: Replays;
  readonly usage: Pick<UsageTally, "last24h">;
  readonly probes: ProbeAnswers;
  readonly toolServers: Pick<ToolServers, "last">;
  readonly services: Services;
  /** Why this replica does not listen at a port that a service has: the others are the same. */
  readonly portFault: (port: number) => string | undefined;
  readonly instances: Instances;
  readonly outbox: Pick<Outbox, "publish" | "purge">;
  readonly taskQueues: TaskQueues;
  /** Makes users of NATS for guests; undefined: somebody else does, or it has none. */
  readonly natsSigner: () => Promise<SignerOutcome | undefined>;
  readonly facts: Pick<FactLog, "publish" | "purge">;
  readonly states: Pick<RunStates, "get" | "delete">;
  readonly recorder: Recorder;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** 32 random bytes in hex. */
  readonly newToken: () => string;
  readonly log: Logger;
};

/** What is known to one term. */
export type Term = {
  readonly informers: Informers;
  readonly triggerLane: TriggerLane;
  readonly ports: PortPlan;
  readonly exposedPorts: Pick<ExposedPorts, "expose" | "fault">;
  readonly recordTokens: RecordTokens;
  /** What is wrong inside specs that the API server took. */
  readonly judged: { readonly teams: Judged<ArkTeam>; readonly agents: Judged<ArkAgent> };
  /** Tasks of a pool that are not settled, by the waker's last look. */
  readonly backlogOf: (pool: Pool) => number;
  /** Dead letters of an ArkEvent, `<namespace>/<name>`, by the last look; undefined before the first. */
  readonly lettersOf: (key: string) => number | undefined;
  readonly recountLetters: () => Promise<void>;
  /** ArkAgents that are gone, `<namespace>/<name>`, and whose queues are not closed yet. */
  readonly departed: Set<string>;
  /** Whoever else must be looked at. */
  readonly poke: (key: string) => void;
};

export type Deps = World & Term;

export const DONE: WorkOutcome = { kind: "done" };

/** `<namespace>/<name>` as a name. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
}
