/**
 * A small world around the engine: random pipelines, executors whose outcomes depend on the attempt alone, and a
 * schedule that decides which of the open facts comes next.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { Step } from "#core/api/v1alpha1/ark-team.ts";
import { factId, type AttemptKey, type Fact, type StepOutcome } from "#core/events/facts.ts";
import { digestOf } from "./chance.ts";
import { decide } from "./decide.ts";
import { evolve } from "./evolve.ts";
import { neededOutputs } from "./needs.ts";
import { start } from "./start.ts";
import type { RunState } from "./state.ts";
import { parseStepTimer } from "./timers.ts";
import { done, Lived, requested, teamSpec } from "./testing.ts";

/** A fixed seed: the gate gives the same verdict on the same code. Change it to look further. */
const SETTINGS = { numRuns: 150, seed: 4 };
const TIMEOUT_MS = 120_000;

/** How the world behaves: `calm` has no error that could end a run; `rough` has all of them. */
type Mood = "calm" | "rough";

const stepShape = fc.record({
  dependsOn: fc.array(fc.nat(), { maxLength: 3 }),
  gate: fc.constantFrom("none", "none", "none", "no", "data", "output", "broken"),
  inputs: fc.constantFrom("none", "text", "all", "broken"),
  loop: fc.option(fc.integer({ min: 1, max: 3 })),
  retry: fc.integer({ min: 0, max: 2 }),
  validate: fc.option(fc.integer({ min: 0, max: 2 })),
  timeout: fc.boolean(),
  nested: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  policy: fc.constantFrom("none", "none", "full", "extract"),
});
type Shape = typeof stepShape extends fc.Arbitrary<infer T> ? T : never;

const runShape = fc.record({
  steps: fc.array(stepShape, { minLength: 1, maxLength: 6 }),
  output: fc.constantFrom("none", "one", "all"),
  timeout: fc.boolean(),
  maxTokens: fc.option(fc.integer({ min: 1, max: 60 })),
  seed: fc.nat(),
});
type RunShape = typeof runShape extends fc.Arbitrary<infer T> ? T : never;

const schedule = fc.infiniteStream(fc.nat());

function specOf(shape: RunShape, mood: Mood): ArkRunSpec {
  const pipeline = shape.steps.map((step, i) => stepOf(step, i, mood));
  const last = `.steps.s${shape.steps.length - 1}`;
  const outputs = { none: undefined, one: `{{ ${last}.output }}`, all: `{{ range .steps }}{{ .output }}{{ end }}!` };
  const output = outputs[shape.output];
  return teamSpec({
    pipeline,
    input: { x: "moss" },
    ...(output !== undefined && { output }),
    ...(shape.timeout && { timeoutSeconds: 1_000_000 }),
    ...(mood === "rough" && shape.maxTokens !== null && { maxTokens: shape.maxTokens }),
  });
}

function stepOf(shape: Shape, i: number, mood: Mood): Step {
  const dependsOn = i === 0 ? [] : [...new Set(shape.dependsOn.map((n) => `s${n % i}`))];
  const read = dependsOn[0] === undefined ? ".input.x" : `.steps.${dependsOn[0]}.output`;
  const gates = {
    none: undefined,
    no: "false",
    data: dependsOn[0] === undefined ? "true" : `{{ .steps.${dependsOn[0]}.data.go }}`,
    output: `{{ ne (print ${read}) "stop" }}`,
    broken: mood === "rough" ? "{{ index .input.x 99 }}" : undefined,
  };
  const inputs = {
    none: undefined,
    text: { prompt: `do {{ ${read} }}` },
    all: { k: "{{ toJson .steps }}", t: "{{ .input.x }}" },
    broken: mood === "rough" ? { prompt: `{{ index ${read} 3 }}` } : undefined,
  };
  const gate = gates[shape.gate];
  const fields = inputs[shape.inputs];
  const nested = shape.nested;
  return {
    role: nested ? "sub" : "a",
    name: `s${i}`,
    ...(dependsOn.length > 0 && { dependsOn }),
    ...(gate !== undefined && { if: gate }),
    ...(fields !== undefined && { inputs: fields }),
    ...(shape.loop !== null && {
      loop: { condition: `{{ ne .steps.s${i}.output "stop" }}`, maxIterations: shape.loop },
    }),
    retry: { limit: mood === "calm" ? 2 : shape.retry },
    ...(shape.validate !== null &&
      !nested && { validate: { onFailure: "retry", maxRetries: mood === "calm" ? 2 : shape.validate } }),
    ...(shape.timeout && { timeoutSeconds: 500_000 }),
    ...(shape.policy !== "none" && !nested && { contextPolicy: { strategy: shape.policy as "full" | "extract" } }),
  };
}

/** Chance that depends on nothing but what it is for, so that a schedule changes no outcome. */
function dice(seed: number, what: string, sides: number): number {
  return Number.parseInt(digestOf(`${seed}/${what}`).slice(0, 8), 16) % sides;
}

const LONG = "long ".repeat(7_000);
const GO = '{"go":true}';
const DIGESTS = new Map([LONG, GO].map((text) => [text, `sha256:${digestOf(text)}`]));

function outcomeOf(key: AttemptKey, seed: number, mood: Mood, world: Lived): StepOutcome {
  const roll = dice(seed, factId("", { kind: "step.started", at: 0, instance: "", ...key }), 16);
  const fails = mood === "rough" || key.attempt < 1;
  if (fails && roll === 0)
    return {
      kind: "failed",
      code: "provider.unavailable",
      message: "busy",
      mayPass: true,
      ...(key.attempt === 0 && { afterMs: 50 }),
    };
  if (fails && roll === 1 && (mood === "rough" || world.graph.byName.get(key.step)?.validate !== undefined))
    return { kind: "invalid", code: "output.schema", message: "wrong", answer: { inline: "?" }, retryable: true };
  if (mood === "rough" && roll === 2) return { kind: "failed", code: "provider.auth", message: "no", mayPass: false };
  if (mood === "rough" && roll === 3) return { kind: "refused", code: "budget.exceeded", message: "spent" };
  if (roll < 7) return done("stop", { go: false });
  if (roll < 9)
    return {
      kind: "done",
      output: byRef(LONG, world),
      json: byRef(GO, world),
      context: { inline: "short" },
    };
  return done(`out of ${key.step}`, { go: true });
}

function byRef(text: string, world: Lived) {
  const digest = DIGESTS.get(text) ?? "";
  world.stored.set(digest, text);
  return { ref: { digest, bytes: text.length, preview: text.slice(0, 20) } };
}

/** What may come next: the facts that executors, nested runs and timers could report now. */
function openFacts(world: Lived, seed: number, mood: Mood): Fact[] {
  const cancelled = new Set(world.of("cancel-task").map(({ id }) => id));
  const cleared = new Set(world.of("clear-timer").map(({ timer }) => timer));
  const facts: Fact[] = [];
  for (const command of world.commands) {
    if (command.kind === "task" || command.kind === "child") {
      if (cancelled.has(`${command.id}/cancel`)) continue;
      facts.push(...attemptFacts(world, command.key, command.kind === "child", seed, mood));
    }
    if (
      command.kind === "set-timer" &&
      !cleared.has(command.timer) &&
      (command.timer.startsWith("retry-") || mood === "rough")
    )
      facts.push({ kind: "timer", at: dueAt(world, command), timer: command.timer });
  }
  const seen = new Set(world.log.map((fact) => factId("", fact)));
  return facts.filter((fact) => !seen.has(factId("", fact)));
}

/** A retry is due when the state says so; `at` of its command moves on with the clock of whoever decided. */
function dueAt(world: Lived, { timer, at }: { timer: string; at: number }): number {
  const step = world.state.steps[parseStepTimer(timer)?.step ?? ""];
  return step?.phase === "backoff" ? step.until : at;
}

/** In the order in which one executor publishes them; only the first open one can come. */
function attemptFacts(world: Lived, key: AttemptKey, child: boolean, seed: number, mood: Mood): Fact[] {
  const state = world.state.steps[key.step];
  if (state?.phase !== "active" || state.attempt.iteration !== key.iteration || state.attempt.attempt !== key.attempt)
    return [];
  const at = state.attempt.queuedAt + 1 + dice(seed, `at/${key.step}/${key.iteration}/${key.attempt}`, 100);
  const turn = {
    kind: "step.turn" as const,
    at,
    ...key,
    turn: 0,
    usage: { inputTokens: 1, outputTokens: 1 },
    model: "m",
    record: { inline: "" },
  };
  const finished: Fact = {
    kind: "step.finished",
    at,
    ...key,
    outcome: outcomeOf(key, seed, mood, world),
    usage: { inputTokens: 1 + dice(seed, key.step, 9), outputTokens: 1 },
  };
  const all: Fact[] = child ? [finished] : [{ kind: "step.started", at, ...key, instance: "pod" }, turn, finished];
  const seen = new Set(world.log.map((fact) => factId("", fact)));
  return all.filter((fact) => !seen.has(factId("", fact))).slice(0, 1);
}

const MAX_FACTS = 2_000;

/** Lives a run to its end; `watch` is called after each fact. */
function live(shape: RunShape, mood: Mood, picks: Iterator<number>, watch: (world: Lived) => void = () => undefined) {
  const world = new Lived(specOf(shape, mood));
  for (let i = 0; world.state.phase.kind === "running"; i++) {
    const open = openFacts(world, shape.seed, mood);
    if (open.length === 0) throw new Error(`nothing can happen any more: ${JSON.stringify(world.state)}`);
    if (i > MAX_FACTS) throw new Error("the run does not end");
    const fact = open[(picks.next().value as number) % open.length];
    if (fact !== undefined) expect(world.fold(fact)).toBe("changed");
    watch(world);
  }
  return world;
}

/** The state as the facts alone determine it. */
function facts(state: RunState): Omit<RunState, "issued"> {
  const { issued: _issued, ...rest } = state;
  return rest;
}

function fresh(world: Lived): RunState {
  return start(requested(world.state.spec), world.graph);
}

const moods = fc.constantFrom<Mood>("calm", "rough");

test(
  "every reachable state can end, and does by facts and timers alone (P4)",
  () => {
    fc.assert(
      fc.property(runShape, moods, schedule, (shape, mood, picks) => {
        const world = live(shape, mood, picks);
        for (const step of Object.values(world.state.steps)) expect(step).toHaveProperty("endedAt");
        if (mood === "calm") expect(world.end()).toBe("succeeded");
      }),
      SETTINGS,
    );
  },
  TIMEOUT_MS,
);

test(
  "a cancel ends every reachable state",
  () => {
    fc.assert(
      fc.property(runShape, moods, schedule, (shape, mood, picks) => {
        live(shape, mood, picks, (world) => {
          const outputs = new Map<string, string>();
          const ended = evolve(
            world.graph,
            world.state,
            { kind: "run.cancel", at: world.clock, message: "stop" },
            outputs,
          );
          if (world.state.phase.kind !== "running") return expect(ended.kind).toBe("same");
          expect(ended.kind === "changed" && ended.state.phase.kind).toBe("failed");
        });
      }),
      SETTINGS,
    );
  },
  TIMEOUT_MS,
);

test(
  "a duplicate fact changes nothing (E1)",
  () => {
    fc.assert(
      fc.property(runShape, moods, schedule, (shape, mood, picks) => {
        live(shape, mood, picks, (world) => {
          for (const fact of [world.log.at(-1), world.log[picks.next().value % world.log.length]]) {
            if (fact === undefined) continue;
            const outputs = world.load(neededOutputs(world.graph, world.state, fact));
            expect(evolve(world.graph, world.state, fact, outputs)).toEqual({ kind: "same" });
          }
        });
      }),
      SETTINGS,
    );
  },
  TIMEOUT_MS,
);

test(
  "independent facts in any order end alike (E2)",
  () => {
    fc.assert(
      fc.property(runShape, schedule, schedule, (shape, one, other) => {
        expect(facts(live(shape, "calm", one).state)).toEqual(facts(live(shape, "calm", other).state));
      }),
      SETTINGS,
    );
  },
  TIMEOUT_MS,
);

test(
  "a log delivered in any order, early facts again later, ends as it did (E3)",
  () => {
    fc.assert(
      fc.property(runShape, moods, schedule, schedule, (shape, mood, picks, shuffle) => {
        const world = live(shape, mood, picks);
        let waiting = world.log.toSorted(() => ((shuffle.next().value as number) % 2 === 0 ? 1 : -1));
        let state = fresh(world);
        for (let moved = true; moved;) {
          moved = false;
          const early: Fact[] = [];
          for (const fact of waiting) {
            const outputs = world.load(neededOutputs(world.graph, state, fact));
            const step = evolve(world.graph, state, fact, outputs);
            if (step.kind === "early") early.push(fact);
            else moved = true;
            if (step.kind === "changed") state = step.state;
          }
          waiting = early;
        }
        expect(waiting).toEqual([]);
        if (mood === "calm") expect(facts(state)).toEqual(facts(world.state));
        else expect(state.phase.kind).not.toBe("running");
      }),
      SETTINGS,
    );
  },
  TIMEOUT_MS,
);

test(
  "replaying a log equals having lived it, through JSON at every fact (S1, P2)",
  () => {
    fc.assert(
      fc.property(runShape, moods, schedule, (shape, mood, picks) => {
        const world = live(shape, mood, picks);
        let state = fresh(world);
        for (const fact of world.log) {
          state = JSON.parse(JSON.stringify(state)) as RunState;
          const outputs = world.load(neededOutputs(world.graph, state, fact));
          const step = evolve(world.graph, state, fact, outputs);
          expect(step.kind).toBe("changed");
          if (step.kind === "changed") state = step.state;
        }
        expect(facts(state)).toEqual(facts(world.state));
      }),
      SETTINGS,
    );
  },
  TIMEOUT_MS,
);

test(
  "no command after the end: nothing is scheduled, and once told nothing is left (C3, S2)",
  () => {
    fc.assert(
      fc.property(runShape, moods, schedule, (shape, mood, picks) => {
        const world = live(shape, mood, picks);
        const outputs = world.load(neededOutputs(world.graph, world.state));
        expect(decide(world.graph, world.state, world.clock, outputs)).toEqual([]);
        for (const fact of openFacts(world, shape.seed, mood)) expect(world.fold(fact)).toBe("same");
        const taken = world.of("cancel-task").map(({ taskSeq }) => taskSeq);
        expect(taken.every((seq) => seq > 0)).toBe(true);
        const kept = Object.keys(world.state.issued).map((id) => id.split("/")[1]);
        expect(kept.filter((kind) => kind !== "emit" && kind !== "output")).toEqual([]);
      }),
      SETTINGS,
    );
  },
  TIMEOUT_MS,
);

test(
  "command ids are stable and never used twice (C1)",
  () => {
    fc.assert(
      fc.property(runShape, moods, schedule, (shape, mood, picks) => {
        const world = live(shape, mood, picks, ({ graph, state, clock, log }) => {
          const before = { ...state, issued: {} };
          const load = () => world0(graph, before);
          expect(decide(graph, before, clock, load())).toEqual(
            decide(graph, structuredClone(before), clock + 0, load()),
          );
          expect(log.length).toBeGreaterThan(0);
        });
        const ids = world.commands.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
      SETTINGS,
    );
  },
  TIMEOUT_MS,
);

function world0(graph: Lived["graph"], state: RunState): ReadonlyMap<string, string> {
  const texts = new Map([...DIGESTS].map(([text, digest]) => [digest, text]));
  return new Map(neededOutputs(graph, state).map(({ ref }) => [ref.digest, texts.get(ref.digest) ?? ""]));
}

test(
  "a state's size does not depend on the size of outputs (S1)",
  () => {
    const sizeWith = (shape: RunShape, picks: Iterator<number>, factor: number): number => {
      const world = live(shape, "calm", picks, ({ stored }) => {
        for (const [digest, text] of stored) if (text.startsWith("long")) stored.set(digest, LONG.repeat(factor));
      });
      return JSON.stringify(facts(world.state)).length;
    };
    fc.assert(
      fc.property(runShape, fc.array(fc.nat(), { minLength: 400, maxLength: 400 }), (shape, picks) => {
        const difference = sizeWith(shape, cycle(picks), 1) - sizeWith(shape, cycle(picks), 3);
        expect(Math.abs(difference)).toBeLessThan(50);
      }),
      { numRuns: 30, seed: 4 },
    );
  },
  TIMEOUT_MS,
);

function* cycle(picks: readonly number[]): Generator<number> {
  for (;;) yield* picks;
}
