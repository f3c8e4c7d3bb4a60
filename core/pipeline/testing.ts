/** A run under test: folds facts, carries decisions out in memory, and lets a test play executor and clock. */
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import { attemptId, type AttemptKey, type Fact, type RunRequested, type StepOutcome } from "#core/events/facts.ts";
import type { Text } from "#core/events/text.ts";
import { decide, issued } from "./decide.ts";
import { evolve } from "./evolve.ts";
import type { Graph } from "./graph.ts";
import { neededOutputs } from "./needs.ts";
import { plan } from "./plan.ts";
import { project } from "./project.ts";
import type { Outputs } from "./render.ts";
import { start } from "./start.ts";
import type { Command, RunState } from "./state.ts";

type Of<K extends Command["kind"]> = Extract<Command, { kind: K }>;

export const UID = "uid-1";

/** Roles a to e are agents, sub is a team. */
export function teamSpec(spec: Partial<ArkRunSpec>): ArkRunSpec {
  const roles = ["a", "b", "c", "d", "e"].map((name) => ({ name, model: "mock" }));
  return { teamRef: "team", roles: [...roles, { name: "sub", arkTeam: "other" }], ...spec };
}

export function graphOf(spec: ArkRunSpec): Graph {
  const planned = plan(spec);
  if (planned.kind === "faults") throw new Error(JSON.stringify(planned.faults));
  return planned.graph;
}

export function faultsOf(spec: ArkRunSpec): readonly { readonly path: string; readonly message: string }[] {
  const planned = plan(spec);
  return planned.kind === "faults" ? planned.faults.map(({ path, message }) => ({ path, message })) : [];
}

export function requested(spec: ArkRunSpec, more: Partial<RunRequested> = {}): RunRequested {
  return { kind: "run.requested", at: 0, namespace: "ns", run: "run", uid: UID, spec, depth: 0, hop: 0, ...more };
}

export function done(text: string, json?: unknown): StepOutcome {
  return {
    kind: "done",
    output: { inline: text },
    ...(json !== undefined && { json: { inline: JSON.stringify(json) } }),
  };
}

export class Lived {
  readonly graph: Graph;
  state: RunState;
  readonly commands: Command[] = [];
  readonly log: Fact[] = [];
  readonly stored = new Map<string, string>();
  /** Digests of texts that the store has no more. */
  readonly lost = new Set<string>();
  clock = 0;

  constructor(spec: ArkRunSpec, more: Partial<RunRequested> = {}) {
    this.graph = graphOf(spec);
    const fact = requested(spec, more);
    this.clock = fact.at;
    this.state = start(fact, this.graph, this.load(neededOutputs(this.graph, undefined, fact)));
    this.act();
  }

  /** Only what the engine asked for is there, as with a real shell. */
  load(wanted: readonly Text[]): Outputs {
    const texts = wanted.flatMap((text) => ("ref" in text ? [text.ref.digest] : []));
    return new Map(
      texts.map((digest) => [digest, this.lost.has(digest) ? undefined : (this.stored.get(digest) ?? "")]),
    );
  }

  act(): void {
    const outputs = this.load(neededOutputs(this.graph, this.state));
    for (const command of decide(this.graph, this.state, this.clock, outputs)) {
      this.commands.push(command);
      if (command.kind === "store-output") this.stored.set(command.digest, command.text);
      this.state = issued(this.state, command.id, this.commands.length);
    }
  }

  fold(fact: Fact): "changed" | "same" | "early" {
    this.clock = Math.max(this.clock, fact.at);
    const outputs = this.load(neededOutputs(this.graph, this.state, fact));
    const step = evolve(this.graph, this.state, fact, outputs);
    if (step.kind !== "changed") return step.kind;
    this.log.push(fact);
    this.state = step.state;
    this.act();
    return "changed";
  }

  /** The newest running attempt of a step. */
  key(step: string): AttemptKey {
    const state = this.state.steps[step];
    if (state?.phase !== "active") throw new Error(`step ${step} is ${state?.phase}`);
    return { step, iteration: state.attempt.iteration, attempt: state.attempt.attempt };
  }

  finish(step: string, outcome: StepOutcome | string, tokens = 0): "changed" | "same" | "early" {
    const result = typeof outcome === "string" ? done(outcome) : outcome;
    const usage = { inputTokens: tokens, outputTokens: 0 };
    return this.fold({ kind: "step.finished", at: (this.clock += 10), ...this.key(step), outcome: result, usage });
  }

  fire(timer: string): "changed" | "same" | "early" {
    return this.fold({ kind: "timer", at: (this.clock += 10), timer });
  }

  of<K extends Command["kind"]>(kind: K): Of<K>[] {
    return this.commands.filter((command): command is Of<K> => command.kind === kind);
  }

  /** The newest task of a step. */
  task(step: string): Of<"task"> {
    const found = this.of("task").findLast(({ key }) => key.step === step);
    if (found === undefined) throw new Error(`no task for ${step}`);
    return found;
  }

  phases(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.state.steps).map(([name, { phase }]) => [name, phase]));
  }

  status() {
    return project(this.graph, this.state);
  }

  /** `reason` of an ended run, `running` or `succeeded`. */
  end(): string {
    return this.state.phase.kind === "failed" ? this.state.phase.reason : this.state.phase.kind;
  }

  id(step: string, iteration = 0, attempt = 0): string {
    return attemptId(UID, { step, iteration, attempt });
  }
}
