/**
 * What the leading replica does: follows the objects, reconciles them one key at a time, and says whom to wake.
 *
 * L1  Nothing is reconciled before all kinds have been seen: what is absent is absent, not unread.
 * L2  A kind that cannot be watched stops nothing but what needs it; readiness names it (D51).
 */
import type { Meters } from "#core/ports/meters.ts";
import { agentFaults, teamFaults } from "#core/validate/spec-faults.ts";
import { tellWhole } from "#core/reconcile/readings.ts";
import { createWorkQueue, type WorkOutcome, type WorkQueue } from "#platform/kube/work-queue.ts";
import { kubeChildren } from "#platform/kube/children.ts";
import type { Kube } from "#platform/kube/client.ts";
import { againAndAgain } from "./again.ts";
import type { Deps, Pool, Term, World } from "./deps.ts";
import { createInformers } from "./informers.ts";
import { splitWorkKey, workKey } from "./keys.ts";
import { pokeDeparted, reconcileAgent } from "./reconcilers/ark-agent.ts";
import { reconcileEvent } from "./reconcilers/ark-event.ts";
import { pokeForgotten, reconcileService } from "./reconcilers/ark-service.ts";
import { reconcileRun } from "./reconcilers/ark-run.ts";
import { reconcileSettings } from "./reconcilers/ark-settings.ts";
import { reconcileTeam } from "./reconcilers/ark-team.ts";
import { createLetterCounts } from "./letter-counts.ts";
import { keepLettingGo } from "./let-go.ts";
import { measuredWork, wholeOf } from "./measure.ts";
import { createJudged } from "./judged.ts";
import { createExposedPorts, PORTS_FIELD_MANAGER } from "./exposed-ports.ts";
import { createPortPlan } from "./port-plan.ts";
import { createRecordTokens } from "./record-tokens.ts";
import { keepShared } from "./shared.ts";
import { allSynced, arkSynced } from "./synced.ts";
import { createTriggerLane } from "./trigger-lane.ts";
import { planWakes } from "./waker/plan.ts";
import { foreseenIn, poolsOf } from "./waker/pools.ts";
import type { WakePlan, Waking } from "./waker/waking.ts";

export type LeadDeps = World & {
  readonly kube: Kube;
  readonly waking: Pick<Waking, "use">;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly meters: Meters;
};

export type Leading = {
  /** Faults of kinds that cannot be watched. */
  faults(): readonly string[];
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when everything known has been looked at. */
  settled(): Promise<void>;
};

const RECONCILERS: Readonly<Record<string, (key: string, deps: Deps) => Promise<WorkOutcome>>> = {
  ArkEvent: reconcileEvent,
  ArkTeam: reconcileTeam,
  ArkAgent: reconcileAgent,
  ArkRun: reconcileRun,
  ArkService: reconcileService,
  ArkSettings: reconcileSettings,
};

const CONCURRENCY = 4;
/** What a burst of runs changes is shown once a second: nobody reads faster, and each is a write. */
const SOON_MS = 1_000;

export function createLeading(given: LeadDeps): Leading {
  const { kube, log, random, waking, meters } = given;
  let loads = new Map<string, number>();
  const backlogOf = ({ namespace, agent }: Pool) => loads.get(`${namespace}/${agent}`) ?? 0;
  const queue: WorkQueue = createWorkQueue({
    work: measuredWork((key) => {
      const [kind, name] = splitWorkKey(key);
      return RECONCILERS[kind]?.(name, deps) ?? Promise.resolve({ kind: "done" });
    }, meters),
    concurrency: CONCURRENCY,
    random,
    log,
  });
  const poke = (key: string) => queue.add(key);
  const pokeSoon = (key: string) => queue.add(key, SOON_MS);
  const { applier, children, recorder } = given;
  const departed = new Set<string>();
  const informers = createInformers({ kube, children, applier, poke, pokeSoon, departed, recorder, log });
  const triggerLane = createTriggerLane({
    children,
    applier,
    isReady: (key) => informers.triggers.get(key)?.ready?.status === "True",
    now: given.now,
  });
  const pokeEvents = (keys: Iterable<string>) => [...keys].forEach((key) => poke(workKey("ArkEvent", key)));
  const letterCounts = createLetterCounts({
    letters: given.letters,
    onChange: pokeEvents,
    all: () => [...informers.events.values()].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    everyMs: given.config.resyncMs,
    log,
  });
  const ports = createPortPlan(informers.arkServices, given.config);
  const exposedPorts = createExposedPorts({
    children: kubeChildren(kube, PORTS_FIELD_MANAGER),
    namespace: given.config.namespace,
    // Services that cannot be seen are not gone (D51).
    wanted: () => (informers.arkServices.fault === undefined ? ports.won() : undefined),
    log,
  });
  const own: Term = {
    informers,
    poke,
    backlogOf,
    departed,
    lettersOf: (key) => letterCounts.of(key),
    recountLetters: () => letterCounts.look(),
    triggerLane,
    recordTokens: createRecordTokens(children, given),
    judged: { teams: createJudged(teamFaults), agents: createJudged(agentFaults) },
    ports,
    exposedPorts,
  };
  const deps: Deps = { ...given, ...own };
  const onLoad: WakePlan["onLoad"] = ({ tasks }) => {
    const before = loads;
    loads = new Map(tasks.map(({ namespace, agent, count }) => [`${namespace}/${agent}`, count]));
    for (const key of new Set([...before.keys(), ...loads.keys()]))
      if (before.get(key) !== loads.get(key)) pokeSoon(workKey("ArkAgent", key));
  };
  const { dispatcherUrl, collectorUrl, webhookUrl, collectorSlots } = given.config;
  const shared = {
    dispatcher: { url: dispatcherUrl },
    collector: { url: collectorUrl, slots: collectorSlots },
    relay: { url: webhookUrl },
  };
  const plan: WakePlan["plan"] = (load, fires) => planWakes(poolsOf(deps), load, foreseenIn(fires, deps), shared);

  return {
    faults: () => Object.values(informers).flatMap(({ fault }) => fault ?? []),
    settled: () => queue.idle(),
    async run(signal) {
      const following = Object.values(informers).map((informer) => informer.run(signal));
      const planned = arkSynced(informers, signal).then(() => {
        if (!signal.aborted) waking.use({ plan, onLoad });
      });
      // L1. Knative's kinds may be missing: they are waited for as long as they are not.
      const working = allSynced(informers, signal).then(async () => {
        if (signal.aborted) return;
        using _told = tellWhole(
          wholeOf(informers, () => letterCounts.census()),
          meters,
        );
        await Promise.all([
          queue.run(signal),
          letterCounts.run(signal),
          keepShared(deps, signal),
          exposedPorts.run(signal),
          tidy(deps, signal),
          keepLettingGo(deps, signal),
        ]);
      });
      await Promise.all([...following, planned, working]);
    },
  };
}

/** What no watch tells of, at the beginning of a term and every so often. Never rejects. */
function tidy(deps: Deps, signal: AbortSignal): Promise<void> {
  const look = async () => {
    await pokeForgotten(deps);
    await pokeDeparted(deps);
  };
  const failed = "what is left of services and agents that are gone not looked for";
  return againAndAgain(look, { everyMs: TIDY_MS, failed, log: deps.log }, signal);
}

const TIDY_MS = 600_000;
