import { describe, expect, test } from "vitest";
import type { Step } from "#core/api/v1alpha1/ark-team.ts";
import type { ParentRef } from "#core/events/facts.ts";
import type { Text } from "#core/events/text.ts";
import { decide } from "./decide.ts";
import { neededOutputs } from "./needs.ts";
import { planKey } from "./plan.ts";
import { start } from "./start.ts";
import { done, graphOf, Lived, requested, teamSpec } from "./testing.ts";

const live = (pipeline: Step[], more: Parameters<typeof teamSpec>[0] = {}) =>
  new Lived(teamSpec({ pipeline, ...more }));

const ref = (digest: string, bytes = 20_000_000): Text => ({ ref: { digest, bytes, preview: "beginning" } });

describe("prompts", () => {
  const promptOf = (step: Partial<Step>, input: Record<string, string> = {}) =>
    live([{ role: "a", ...step }], { input }).task("a").task.prompt;

  test.each<[string, Partial<Step>, Record<string, string>, string]>([
    ["prompt alone is its text", { inputs: { prompt: "say {{ .input.x }}" } }, { x: "hi" }, "say hi"],
    ["prompt beside others is a field", { inputs: { prompt: "p", tone: "t" } }, {}, "prompt: p\ntone: t"],
    ["one other field keeps its key", { inputs: { text: "t" } }, {}, "text: t"],
    ["declared order (D16)", { inputs: { z: "1", a: "2", m: "3" } }, {}, "z: 1\na: 2\nm: 3"],
    ["inputOrder, then by name", { inputs: { z: "1", b: "2", a: "3" }, inputOrder: ["z"] }, {}, "z: 1\na: 3\nb: 2"],
    ["no inputs: the run's own", {}, { topic: "moss", tone: "dry" }, "topic: moss\ntone: dry"],
    ["no inputs, run with one prompt", {}, { prompt: "hello" }, "hello"],
    [
      "the schema in declared order",
      { inputs: { prompt: "p" }, outputSchema: '{ "type": "object",\n "required": ["b"] }' },
      {},
      'p\n\nAnswer with JSON that matches this JSON Schema, and with nothing else:\n{"type":"object","required":["b"]}',
    ],
    ["a missing key renders empty", { inputs: { prompt: "[{{ .input.nope }}]" } }, {}, "[]"],
  ])("%s", (_, step, input, prompt) => {
    expect(promptOf(step, input)).toBe(prompt);
  });

  test("step outputs stand in marks, whatever was done to them, and cannot close them (E6)", () => {
    const run = live([
      { role: "a" },
      {
        role: "b",
        dependsOn: ["a"],
        inputs: { up: "{{ .steps.a.output | upcase }}", all: "{{ toJson .steps }}", status: "{{ .steps.a.status }}" },
      },
    ]);
    run.finish("a", "x</content>y");
    const { prompt } = run.task("b").task;
    expect(prompt).toContain('up: <ark:step-output name="a"><content>X&lt;/CONTENT>Y</content></ark:step-output>');
    expect(prompt).toContain('all: <ark:step-output name="all"><content>{');
    expect(prompt).toContain("status: Succeeded");
    expect(prompt.match(/<\/content>/g)).toHaveLength(2);
  });

  test("marks never reach outputs, conditions and other teams' inputs (E6)", () => {
    const run = live(
      [
        { role: "a" },
        {
          role: "sub",
          dependsOn: ["a"],
          if: '{{ eq .steps.a.output "plain" }}',
          inputs: { t: "{{ .steps.a.output }}" },
        },
      ],
      { output: "<{{ .steps.a.output }}>" },
    );
    run.finish("a", "plain");
    expect(run.of("child")[0]?.input).toEqual({ t: "plain" });
    run.finish("sub", "s");
    expect(run.status().output).toBe("<plain>");
  });
});

describe("inputs of a run", () => {
  const declared = (type: "string" | "number" | "boolean" | "object" | "array", more = {}) => [
    { name: "x", type, required: false, ...more },
  ];
  const started = (inputs: ReturnType<typeof declared>, input: Record<string, string>) =>
    live([{ role: "a", inputs: { prompt: "{{ .input.x }}" } }], { inputs, input });

  test.each<[string, ReturnType<typeof declared>, Record<string, string>, string]>([
    ["required and absent", declared("string", { required: true }), {}, "input.x is required"],
    ["no number", declared("number"), { x: "many" }, "input.x must be a number"],
    ["no boolean", declared("boolean"), { x: "yes" }, "input.x must be true or false"],
    ["no object", declared("object"), { x: "[1]" }, "input.x must be a JSON object"],
    ["no list", declared("array"), { x: "{}" }, "input.x must be a JSON list"],
  ])("bad input ends the run before any task (E4): %s", (_, inputs, input, message) => {
    const run = started(inputs, input);
    expect(run.end()).toBe("InvalidInput");
    expect(run.status().conditions?.[0]?.message).toBe(message);
    expect(run.of("task")).toEqual([]);
    expect(run.of("emit").map(({ type }) => type)).toEqual(["dev.ark.run.failed"]);
    expect(run.phases()).toEqual({ a: "skipped" });
  });

  test.each<[string, ReturnType<typeof declared>, Record<string, string>, string]>([
    ["a default fills a required one", declared("string", { required: true, default: "d" }), {}, "d"],
    ["what is given wins", declared("number", { default: "1" }), { x: "2.5" }, "2.5"],
    ["an optional one may lack", declared("array"), {}, ""],
    ["an empty text is given", declared("string", { required: true }), { x: "" }, ""],
  ])("good input starts it (E4): %s", (_, inputs, input, prompt) => {
    expect(started(inputs, input).task("a").task.prompt).toBe(prompt);
  });

  test("declared inputs come first, in declared order (D16)", () => {
    const inputs = ["one", "two"].map((name) => ({ name, type: "string" as const, required: false, default: name }));
    const run = live([{ role: "a" }], { inputs, input: { extra: "e", two: "2" } });
    expect(run.task("a").task.prompt).toBe("one: one\ntwo: 2\nextra: e");
  });
});

describe("output of a run", () => {
  test("the text of the one step that nothing depends on", () => {
    const run = live([{ role: "a" }, { role: "b", dependsOn: ["a"] }]);
    run.finish("a", "1");
    run.finish("b", "2");
    expect(run.status().output).toBe("2");
  });

  test("several: a JSON object by step name, without skipped ones", () => {
    const run = live([{ role: "b" }, { role: "a" }, { role: "c", if: "false" }]);
    run.finish("a", 'say "1"');
    run.finish("b", "2");
    expect(run.status().output).toBe('{"b":"2","a":"say \\"1\\""}');
  });

  test("an error in the template fails the run, steps stay as they are", () => {
    const run = live([{ role: "a" }], { output: "{{ index .steps.a.output 99 }}" });
    run.finish("a", "1");
    expect(run.end()).toBe("OutputError");
    expect(run.phases()).toEqual({ a: "succeeded" });
    expect(run.status().conditions?.[0]?.message).toContain("output: line 1, column");
  });

  test("a large text goes through by reference, unread (D24)", () => {
    const run = live([{ role: "a" }], { output: "{{ .steps.a.output }}" });
    run.finish("a", { kind: "done", output: ref("sha256:1") });
    expect(run.status()).toMatchObject({ output: "beginning", outputRef: { digest: "sha256:1", bytes: 20_000_000 } });
  });

  test("a large rendering is stored under its digest, and the state stays small (S1)", () => {
    const run = live([{ role: "a" }], { output: "{{ .steps.a.output }}{{ .steps.a.output }}" });
    run.finish("a", "ab".repeat(15_000));
    const [store] = run.of("store-output");
    expect(store?.text).toHaveLength(60_000);
    expect(run.status().outputRef).toEqual({ digest: store?.digest, bytes: 60_000 });
    expect(JSON.stringify(run.state.phase).length).toBeLessThan(3_000);
  });
});

describe("large outputs", () => {
  test("are loaded for those that read them, and only then", () => {
    const run = live([
      { role: "a" },
      { role: "b", dependsOn: ["a"], inputs: { prompt: "none" } },
      { role: "c", dependsOn: ["b"], inputs: { prompt: "{{ .steps.a.output }}" } },
    ]);
    run.stored.set("sha256:1", "long text");
    run.finish("a", { kind: "done", output: ref("sha256:1") });
    run.finish("b", "2");
    expect(run.task("c").task.prompt).toContain("<content>long text</content>");
  });

  test("parsed data too is read by reference", () => {
    const run = live([{ role: "a" }, { role: "b", dependsOn: ["a"], if: "{{ .steps.a.data.go }}" }]);
    run.stored.set("sha256:2", '{"go":true}');
    run.finish("a", { kind: "done", output: ref("sha256:1"), json: ref("sha256:2") });
    expect(run.phases()["b"]).toBe("active");
  });

  test("256 steps of 32 KiB fit a status (D24)", () => {
    const run = live(Array.from({ length: 256 }, (_, i): Step => ({ role: "a", name: `s${i}` })));
    for (let i = 0; i < 256; i++) run.finish(`s${i}`, i === 0 ? "short" : "x".repeat(32_000));
    const status = run.status();
    expect(JSON.stringify(status).length).toBeLessThan(300_000);
    expect(status.steps?.[0]?.output).toBe("short");
  });
});

describe("contextPolicy", () => {
  const chain = (own: Step["contextPolicy"], inputs: [string, string]): Step[] => [
    { role: "a", ...(own !== undefined && { contextPolicy: own }) },
    { role: "b", dependsOn: ["a"], inputs: { prompt: inputs[0] } },
    { role: "c", dependsOn: ["b"], inputs: { prompt: inputs[1] } },
  ];
  const OUT = "{{ printf `%s/%s` .steps.a.output .steps.a.rawOutput }}";
  const promptsOf = (run: Lived) => {
    run.finish("a", { kind: "done", output: { inline: "whole" }, context: { inline: "part" } });
    run.finish("b", "2");
    return [run.task("b"), run.task("c")].map(({ task }) => task.prompt.replace(/<[^>]*>/g, ""));
  };

  test.each<[string, Step["contextPolicy"], Step["contextPolicy"], [string, string], string | undefined]>([
    ["none set: full", undefined, undefined, ["whole/whole", "whole/whole"], undefined],
    [
      "own: for all dependents",
      { strategy: "extract", extract: { path: "$.x" } },
      undefined,
      ["part/whole", "part/whole"],
      "extract",
    ],
    [
      "the team's: for those further off",
      undefined,
      { strategy: "compress" },
      ["whole/whole", "part/whole"],
      "compress",
    ],
    [
      "own full wins over the team's",
      { strategy: "full" },
      { strategy: "compress" },
      ["whole/whole", "whole/whole"],
      undefined,
    ],
    ["none: nothing", { strategy: "none" }, undefined, ["/whole", "/whole"], undefined],
  ])("%s", (_, own, byDefault, prompts, applied) => {
    const run = live(chain(own, [OUT, OUT]), byDefault === undefined ? {} : { defaultContextPolicy: byDefault });
    expect(run.task("a").task.contextPolicy?.strategy).toBe(applied);
    expect(promptsOf(run)).toEqual(prompts);
  });

  test("a compression that nobody reads is not asked for", () => {
    const run = live(chain({ strategy: "compress" }, ["x", "y"]));
    expect(run.task("a").task.contextPolicy).toBeUndefined();
  });

  test.each([
    ["{{ .steps.a.output }}", "compress", "part"],
    ["{{ .steps.a.rawOutput }}", undefined, "whole"],
    [" {{ .steps.a.output }}", "compress", " part"],
    [undefined, undefined, "whole"],
  ])("a run's output %j reads through it: %s", (output, applied, text) => {
    const contextPolicy = { strategy: "compress" } as const;
    const run = live([{ role: "a", contextPolicy }], output === undefined ? {} : { output });
    expect(run.task("a").task.contextPolicy?.strategy).toBe(applied);
    run.finish("a", { kind: "done", output: { inline: "whole" }, context: { inline: "part" } });
    expect(run.status().output).toBe(text);
  });

  test("a loop reads itself in full", () => {
    const run = live([
      {
        role: "a",
        contextPolicy: { strategy: "none" },
        loop: { condition: "{{ .steps.a.output }}", maxIterations: 1 },
      },
    ]);
    run.finish("a", "more");
    expect(run.task("a").key.iteration).toBe(1);
  });
});

describe("nested teams", () => {
  const nested: Step = { role: "sub", inputs: { topic: "{{ .input.x }}" }, timeoutSeconds: 50 };

  test("a team step is a run of its own under a derived name (E13)", () => {
    const run = live([nested], { input: { x: "moss" } });
    const [child] = run.of("child");
    expect(child).toMatchObject({
      team: "other",
      input: { topic: "moss" },
      key: { step: "sub", iteration: 0, attempt: 0 },
    });
    expect(child?.run).toMatch(/^other-run-[0-9a-f]{10}$/);
    expect(run.status()).toMatchObject({
      children: [{ name: child?.run, step: "sub" }],
      steps: [{ phase: "Running" }],
    });
    run.fold({
      kind: "step.finished",
      at: 100,
      ...run.key("sub"),
      outcome: done("answer"),
      usage: { inputTokens: 5, outputTokens: 5 },
      child: child?.run ?? "",
    });
    expect(run.status()).toMatchObject({ phase: "Succeeded", output: "answer", totalTokenUsage: { totalTokens: 10 } });
    expect(run.of("cancel-child")).toEqual([]);
  });

  test("cancel goes down; its timeout is measured here (E15b)", () => {
    const run = live([nested]);
    expect(run.of("set-timer")).toMatchObject([{ timer: "attempt-sub-0-0", at: 50_000 }]);
    run.fold({ kind: "run.cancel", at: 9, message: "stop" });
    expect(run.of("cancel-child")).toMatchObject([{ run: run.of("child")[0]?.run }]);
  });

  test("an ended child reports to its parent, once", () => {
    const parent: ParentRef = { namespace: "ns", run: "up", uid: "uid-0", step: "sub", iteration: 0, attempt: 0 };
    const run = new Lived(teamSpec({ pipeline: [{ role: "a" }] }), { parent, depth: 1 });
    expect(run.of("report")).toEqual([]);
    run.finish("a", "x");
    run.act();
    expect(run.of("report")).toEqual([{ kind: "report", id: "uid-1/report", parent }]);
    expect(run.status().parent).toEqual({ name: "up", step: "sub" });
  });

  test("nesting without end is refused", () => {
    const run = new Lived(teamSpec({ pipeline: [{ role: "sub" }] }), { depth: 20 });
    expect(run.status().steps?.[0]).toMatchObject({ phase: "Failed", errorCode: "run.too_deep" });
  });
});

describe("runs of one agent", () => {
  const run = () => new Lived({ agent: "house", prompt: "{{ not a template }}" });

  test("are one step named after the agent, and its text is the output", () => {
    const lived = run();
    expect(lived.task("house")).toMatchObject({ agent: "house", task: { prompt: "{{ not a template }}" } });
    lived.finish("house", "hello");
    expect(lived.status()).toMatchObject({ phase: "Succeeded", output: "hello" });
  });

  test("fail with AgentFailed", () => {
    const lived = run();
    lived.finish("house", { kind: "failed", code: "x", message: "no", mayPass: false });
    expect(lived.end()).toBe("AgentFailed");
  });
});

test("carried results are taken over and cost nothing; what lacks is run", () => {
  const pipeline: Step[] = [
    { role: "a" },
    { role: "b", dependsOn: ["a"], inputs: { prompt: "{{ .steps.a.output }}" } },
  ];
  const run = new Lived(teamSpec({ pipeline }), { carried: { a: { output: { inline: "kept" } } } });
  expect(run.of("task").map(({ key }) => key.step)).toEqual(["b"]);
  expect(run.task("b").task.prompt).toContain("kept");
  run.finish("b", "new", 5);
  expect(run.status()).toMatchObject({ phase: "Succeeded", totalTokenUsage: { totalTokens: 5 } });
});

test("a carried result that is long is loaded for the step that reads it", () => {
  const pipeline: Step[] = [
    { role: "a" },
    { role: "b" },
    { role: "c", dependsOn: ["a", "b"], inputs: { prompt: "{{ .steps.a.output }}" } },
  ];
  const carried = { a: { output: ref("sha256:1") }, b: { output: ref("sha256:2") } };
  const fact = requested(teamSpec({ pipeline }), { carried });
  const graph = graphOf(fact.spec);
  expect(neededOutputs(graph, undefined, fact)).toEqual([carried.a.output]);
  const texts = new Map([["sha256:1", "long text"]]);
  const [task] = decide(graph, start(fact, graph, texts), 0, texts);
  expect(task).toMatchObject({ kind: "task", task: { prompt: expect.stringContaining("long text") } });
});

test("a state keeps no prompts and tools of roles, and plans to the same graph (S1)", () => {
  const roles = [{ name: "a", model: "m", systemPrompt: "long ".repeat(10_000) }];
  const run = new Lived({ teamRef: "t", roles, pipeline: [{ role: "a", name: "constructor" }] });
  expect(JSON.stringify(run.state).length).toBeLessThan(1_000);
  expect(planKey(run.state.spec)).toBe(
    planKey({ teamRef: "t", roles, pipeline: [{ role: "a", name: "constructor" }] }),
  );
  expect(run.phases()).toEqual({ constructor: "active" });
});

describe("status", () => {
  test("a task nobody has taken says which agent it waits for (D12, P4)", () => {
    const run = live([{ role: "a" }]);
    expect(run.status()).toMatchObject({
      steps: [{ phase: "WarmingUp", message: "waiting for agent team-a", taskID: "uid-1/a/0/0" }],
      conditions: [
        { type: "Succeeded", reason: "Waiting", message: "0 of 1 steps ended; step a: waiting for agent team-a" },
        { type: "Ready" },
      ],
    });
    run.fold({ kind: "step.started", at: 7, ...run.key("a"), instance: "pod" });
    expect(run.status()).toMatchObject({ steps: [{ phase: "Running" }], conditions: [{ reason: "Running" }, {}] });
  });

  test("long messages are cut at 1 KiB", () => {
    const run = live([{ role: "a" }]);
    run.finish("a", { kind: "failed", code: "x", message: "é".repeat(5_000), mayPass: false });
    expect(Array.from(run.status().steps?.[0]?.message ?? "")).toHaveLength(1_000);
  });

  test("where a policy changed the output, the original is named", () => {
    const run = live([
      { role: "a", contextPolicy: { strategy: "extract", extract: { path: "$.x" } } },
      { role: "b", dependsOn: ["a"], inputs: { prompt: "{{ .steps.a.output }}" } },
    ]);
    run.finish("a", { kind: "done", output: ref("sha256:9"), context: { inline: "part" } });
    expect(run.status().steps?.[0]).toMatchObject({ output: "part", rawOutputRef: { digest: "sha256:9" } });
  });
});

describe("P4: a text that the store has no more ends the run, and says which step makes it anew", () => {
  const again = expect.stringContaining("ark retry run --step a") as unknown;
  const reading: Step[] = [{ role: "a" }, { role: "b", dependsOn: ["a"], inputs: { x: "{{ .steps.a.output }}" } }];
  const long = { kind: "done", output: ref("sha256:gone") } as const;

  test("lost before the step that reads it begins", () => {
    const run = live(reading);
    run.lost.add("sha256:gone");
    run.finish("a", long);
    expect(run.end()).toBe("StepFailed");
    expect(run.status().steps?.[1]).toMatchObject({ phase: "Failed", errorCode: "output.lost", message: again });
  });

  test("lost before a later attempt: its end goes into the record", () => {
    const run = live([reading[0]!, { ...reading[1]!, validate: { contains: "x", onFailure: "retry", maxRetries: 3 } }]);
    run.finish("a", long);
    run.lost.add("sha256:gone");
    const answer = { inline: "y" };
    run.finish("b", { kind: "invalid", code: "output.contains", message: "no", answer, retryable: true });
    const [given] = run.of("give-up");
    if (given === undefined) throw new Error("nothing was given up");
    run.act();
    expect(run.of("give-up")).toHaveLength(1);
    run.finish("b", { kind: "failed", code: given.failure.code, message: given.failure.message, mayPass: false });
    expect(run.end()).toBe("StepFailed");
    expect(run.status().steps?.[1]).toMatchObject({ errorCode: "output.lost", message: again });
  });

  test("lost before the run's output is made", () => {
    const run = live([{ role: "a" }, { role: "b" }], { output: "[{{ .steps.a.output }}]" });
    run.finish("a", long);
    run.lost.add("sha256:gone");
    run.finish("b", "end");
    expect(run.end()).toBe("OutputError");
  });
});
