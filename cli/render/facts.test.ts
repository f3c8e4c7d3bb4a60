import { describe, expect, it } from "vitest";
import type { Fact } from "#core/events/facts.ts";
import { factLines, stepOf } from "./facts.ts";
import { spansOf } from "./spans.ts";
import { PLAIN } from "./style.ts";
import { traceText } from "./trace.ts";

const key = { step: "write", iteration: 0, attempt: 0 };
const usage = { inputTokens: 100, outputTokens: 20 };
const turn = (at: number, index: number, record: object): Fact => ({
  kind: "step.turn",
  ...key,
  at,
  turn: index,
  usage: index === 1 ? { inputTokens: 0, outputTokens: 0 } : usage,
  model: "gpt-4o-mini",
  record: { inline: JSON.stringify({ index, requestDigest: "d", at, ...record }) },
});
const call = { id: "c1", name: "wiki__search", arguments: '{"q":"owls"}' };
const facts: readonly Fact[] = [
  {
    kind: "run.requested",
    at: 1_000,
    namespace: "default",
    run: "blog-run-1",
    uid: "u",
    spec: { teamRef: "blog" },
    event: "request",
    depth: 0,
    hop: 0,
  },
  { kind: "step.started", ...key, at: 1_010, instance: "local" },
  turn(1_500, 0, { kind: "model", purpose: "answer", answer: { text: "", toolCalls: [call], stop: "tools" }, usage }),
  turn(1_700, 1, { kind: "tools", results: [{ callId: "c1", text: "owls\nfly", isError: false }] }),
  turn(2_900, 2, { kind: "model", purpose: "answer", answer: { text: "Owls.", toolCalls: [], stop: "stop" }, usage }),
  { kind: "step.finished", ...key, at: 3_000, outcome: { kind: "done", output: { inline: "Owls." } } },
];
const options = { style: PLAIN, startedAt: 1_000, full: false };

describe("logs", () => {
  it("tells turns, tool calls, their answers and the output", () => {
    expect(facts.flatMap((fact) => factLines(fact, options))).toEqual([
      "+0.0s    run  requested by event request",
      "+0.0s    write  started",
      '+0.5s    write  calls wiki__search {"q":"owls"} [gpt-4o-mini, 100 + 20 tokens]',
      "+0.7s    write  tool result: owls fly",
      "+1.9s    write  says: Owls. [gpt-4o-mini, 100 + 20 tokens]",
      "+2.0s    write  done: Owls.",
    ]);
  });

  it("names iteration and attempt once there is more than one", () => {
    const failed: Fact = {
      kind: "step.finished",
      step: "write",
      iteration: 1,
      attempt: 2,
      at: 1_000,
      outcome: { kind: "failed", code: "provider.timeout", message: "took\ntoo long", mayPass: true },
    };
    expect(factLines(failed, options)).toEqual([
      "+0.0s    write (iteration 2, attempt 3)  failed: provider.timeout: took too long",
    ]);
  });

  it("knows which step a fact is about", () => {
    expect(facts.map(stepOf)).toEqual([undefined, "write", "write", "write", "write", "write"]);
  });

  it("says that a record kept elsewhere is not shown", () => {
    const ref = { digest: "sha256:00", bytes: 99_999, preview: '{"kind":"mod' };
    const far: Fact = { kind: "step.turn", ...key, at: 1_000, turn: 0, usage, model: "m", record: { ref } };
    expect(factLines(far, options)).toEqual(["+0.0s    write  turn 1 of m: 99999 bytes, kept by reference"]);
  });
});

describe("trace", () => {
  it("makes spans of attempts, model calls and tools", () => {
    const root = spansOf("blog-run-1", facts);
    expect(root).toMatchObject({ name: "ark.run blog-run-1", startedAt: 1_000, endedAt: 3_000 });
    expect(root?.children).toHaveLength(1);
    expect(root?.children[0]?.children.map((span) => [span.name, span.startedAt, span.endedAt])).toEqual([
      ["chat gpt-4o-mini", 1_010, 1_500],
      ["execute_tool wiki__search", 1_500, 1_700],
      ["chat gpt-4o-mini", 1_700, 2_900],
    ]);
  });

  it("draws them as a tree, with bars to scale", () => {
    const root = spansOf("blog-run-1", facts);
    if (root === undefined) throw new Error("no spans");
    const lines = traceText(root, { now: 3_000, style: PLAIN }).split("\n");
    expect(lines[0]).toMatch(/^ark\.run blog-run-1 +▇{24} +2\.0s$/);
    expect(lines[1]).toMatch(/^└─ ark\.step write/);
    expect(lines[2]).toMatch(/^ {3}├─ chat gpt-4o-mini +▇{6} +0\.5s {2}120 tokens$/);
    expect(lines[4]).toMatch(/^ {3}└─ chat/);
  });

  it("has nothing to show of a run without facts", () => expect(spansOf("x", [])).toBeUndefined());
});

it("shows the name of a tool that a model made up without what would steer a terminal", () => {
  const made = { ...call, name: "\u001b]0;owned\u0007wiki\u009b2J" };
  const asked = turn(1_500, 0, { kind: "model", purpose: "answer", answer: { text: "", toolCalls: [made] }, usage });
  const told = turn(1_700, 1, { kind: "tools", results: [{ callId: "c1", text: "", isError: true }] });
  const all = [facts[0]!, asked, told];
  const root = spansOf("blog-run-1", all)!;
  const texts = [all.flatMap((fact) => factLines(fact, options)).join("\n"), traceText(root, { now: 0, style: PLAIN })];
  for (const text of texts) {
    expect(text).toContain("wiki");
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  }
});
