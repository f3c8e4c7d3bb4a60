/** Facts as the lines of `ark logs`: when, which step, what. Pure. */
import type { RecordedTurn } from "#core/agent/ports.ts";
import type { AttemptKey, Fact, StepFinished, StepTurn } from "#core/events/facts.ts";
import { previewOf } from "#core/events/text.ts";
import { oneLine, printable, truncate, type Style } from "./style.ts";
import { elapsed } from "./time.ts";

export type FactLineOptions = {
  readonly style: Style;
  /** When the run began: times are shown since then. */
  readonly startedAt: number;
  /** Show texts whole instead of their first line. */
  readonly full: boolean;
};

const TEXT_COLUMNS = 120;

export function factLines(fact: Fact, options: FactLineOptions): readonly string[] {
  const { style } = options;
  const head = `${style.dim(`+${elapsed(fact.at - options.startedAt)}`.padEnd(8))} ${style.bold(subjectOf(fact))}`;
  return bodyOf(fact, options).map((line) => `${head}  ${line}`);
}

/** The step a fact is about, or undefined. */
export function stepOf(fact: Fact): string | undefined {
  return "step" in fact ? fact.step : undefined;
}

function subjectOf(fact: Fact): string {
  return "step" in fact ? `${fact.step}${attemptOf(fact)}` : "run";
}

function attemptOf(key: AttemptKey): string {
  const parts = [
    key.iteration > 0 ? `iteration ${key.iteration + 1}` : "",
    key.attempt > 0 ? `attempt ${key.attempt + 1}` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function bodyOf(fact: Fact, options: FactLineOptions): readonly string[] {
  const { style } = options;
  switch (fact.kind) {
    case "run.requested":
      return [`requested${fact.event === undefined ? "" : ` by event ${fact.event}`}`];
    case "run.refused":
      return [style.red(`refused: ${fact.reason}: ${oneLine(fact.message)}`)];
    case "run.cancel":
      return [style.yellow(`cancel: ${oneLine(fact.message)}`)];
    case "timer":
      return [style.dim(`timer ${fact.timer}`)];
    case "step.started":
      return ["started"];
    case "step.turn":
      return turnLines(fact, options);
    case "step.finished":
      return finishedLines(fact, options);
  }
}

function text(value: string, options: FactLineOptions): string {
  return options.full ? printable(value) : truncate(oneLine(value), TEXT_COLUMNS);
}

function turnLines(fact: StepTurn, options: FactLineOptions): readonly string[] {
  const record = recordOf(fact);
  if (record === undefined) {
    const bytes = "ref" in fact.record ? fact.record.ref.bytes : 0;
    return [`turn ${fact.turn + 1} of ${fact.model}: ${bytes} bytes, kept by reference`];
  }
  if (record.kind === "tools") {
    return record.results.map((result) =>
      result.isError
        ? options.style.red(`tool error: ${text(result.text, options)}`)
        : `tool result: ${text(result.text, options)}`,
    );
  }
  const spent = options.style.dim(`[${fact.model}, ${fact.usage.inputTokens} + ${fact.usage.outputTokens} tokens]`);
  const calls = record.answer.toolCalls.map((call) => `calls ${oneLine(call.name)} ${text(call.arguments, options)}`);
  const said = record.answer.text === "" ? [] : [`says: ${text(record.answer.text, options)}`];
  const [first = "says nothing", ...rest] = [...said, ...calls];
  return [`${record.purpose === "answer" ? "" : `(${record.purpose}) `}${first} ${spent}`, ...rest];
}

/** A record above the inline limit is shown by its preview, which is not the whole JSON. */
function recordOf(fact: StepTurn): RecordedTurn | undefined {
  if (!("inline" in fact.record)) return undefined;
  return JSON.parse(fact.record.inline) as RecordedTurn;
}

function finishedLines(fact: StepFinished, options: FactLineOptions): readonly string[] {
  const { style } = options;
  const { outcome } = fact;
  const child = fact.child === undefined ? "" : ` by run ${fact.child}`;
  switch (outcome.kind) {
    case "done":
      return [
        style.green(`done${child}: `) + text(previewOf(outcome.output), options),
        ...(outcome.contextMissed === undefined
          ? []
          : [style.yellow(`contextPolicy: ${oneLine(outcome.contextMissed)}`)]),
      ];
    case "invalid":
      return [style.yellow(`invalid: ${outcome.code}: ${oneLine(outcome.message)}`)];
    case "failed":
      return [style.red(`failed${child}: ${outcome.code}: ${oneLine(outcome.message)}`)];
    case "refused":
      return [style.red(`refused: ${oneLine(outcome.message)}`)];
  }
}
