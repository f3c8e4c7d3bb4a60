/** ArkRun: the immutable record of one execution (api 4). */
import * as z from "zod";
import { boundedMap, exactlyOne, has, onChange, ruled, unless, type ChangeRule } from "../rules.ts";
import { teamRunFields } from "./ark-team.ts";
import {
  API_VERSION,
  dnsLabel,
  MAX_KEY_LENGTH,
  MAX_KEYS,
  ObjectMetaSchema,
  statusBase,
  Time,
  TokenUsageSchema,
} from "./common.ts";

/**
 * The one write that gives a run its snapshot may add defaults, and changes nothing that was given. Values are compared
 * inside lists of one: comparing texts as such, the server's estimate multiplies their bounds and refuses the rule. Key by
 * key in one walk, because two walks over a map take its keys in different orders.
 */
export const givenInputStays: ChangeRule<Readonly<Record<string, string>>> = {
  cel: "oldSelf.all(key, key in self && [self[key]] == [oldSelf[key]])",
  message: "input of an ArkRun is written once: make a new run",
  broken: (next, stored) =>
    Object.entries(stored)
      .filter(([key, value]) => next[key] !== value)
      .map(([key]) => [key]),
};

export const ArkRunSpecSchema = ruled(
  z.object({
    teamRef: dnsLabel().describe("The ArkTeam that runs.").exactOptional(),
    agent: dnsLabel().describe("The ArkAgent that runs, in a run of one step.").exactOptional(),
    /** Rendered already: a run holds no templates but those of its steps. */
    prompt: z.string().min(1).max(1_048_576).describe("The agent's task, as it stands; no template.").exactOptional(),
    teamGeneration: z
      .int()
      .min(0)
      .meta({ format: "int64" })
      .describe("Generation of the team in effect.")
      .exactOptional(),
    input: onChange(
      boundedMap(z.string().max(1_048_576), { keys: MAX_KEYS, keyLength: MAX_KEY_LENGTH }),
      givenInputStays,
    )
      .describe("The run's input: the team's defaults, then the trigger's.")
      .exactOptional(),
    inputs: teamRunFields.inputs,
    pipeline: teamRunFields.pipeline.exactOptional(),
    roles: teamRunFields.roles.exactOptional(),
    output: teamRunFields.output,
    timeoutSeconds: z.int32().min(0).describe("Longest time of the run; 0 means no limit.").exactOptional(),
    maxTokens: z
      .int()
      .min(0)
      .meta({ format: "int64" })
      .describe("Most tokens of the run, every attempt and sub-task; 0 means no limit.")
      .exactOptional(),
    limits: teamRunFields.limits,
    defaultContextPolicy: teamRunFields.defaultContextPolicy,
  }),
  exactlyOne(["teamRef", "agent"], "a run needs exactly one of teamRef and agent"),
  {
    cel: "has(self.prompt) == has(self.agent)",
    message: "prompt is required with agent, and refused with teamRef",
    broken: unless((spec) => has(spec, "prompt") === has(spec, "agent"), "prompt"),
  },
  {
    cel: "has(self.pipeline) == has(self.roles)",
    message: "pipeline and roles come together: they are one snapshot of the team",
    broken: unless((spec) => has(spec, "pipeline") === has(spec, "roles"), "pipeline"),
  },
);
export type ArkRunSpec = z.output<typeof ArkRunSpecSchema>;

export const OutputRefSchema = z.object({
  digest: z.string().max(128).describe("Digest of the text."),
  bytes: z.int().min(0).meta({ format: "int64" }).describe("Its length."),
});

export const StepStatusSchema = z.object({
  name: z.string().max(63).describe("Name of the step."),
  phase: z
    .enum(["Pending", "Running", "Succeeded", "Failed", "Skipped", "WarmingUp", "Validating", "Waiting", "Cancelled"])
    .describe("Waiting: for an approval, a delegate, a retry or a timer; message says which."),
  taskID: z.string().max(512).describe("Message id of the newest task; ark trace takes it.").exactOptional(),
  output: z.string().max(65_536).describe("The answer, up to 32 KiB; a preview where it is longer.").exactOptional(),
  outputRef: OutputRefSchema.describe("The whole answer, where it is longer.").exactOptional(),
  outputJSON: z.string().max(65_536).describe("The answer parsed, as JSON text; with outputSchema.").exactOptional(),
  startTime: Time.describe("When the task was published.").exactOptional(),
  completionTime: Time.describe("When the step ended.").exactOptional(),
  message: z.string().max(1024).describe("The cause, with the field and the next step.").exactOptional(),
  errorCode: z.string().max(128).describe("Stable code of the cause, such as provider.rate_limited.").exactOptional(),
  iterations: z.int32().describe("Executions by loop.").exactOptional(),
  attempts: z.int32().describe("Tries of the newest execution.").exactOptional(),
  tokenUsage: TokenUsageSchema.describe("Sum over all attempts and iterations.").exactOptional(),
  validationAttempts: z.int32().describe("Answers that validation refused.").exactOptional(),
  validationMessage: z.string().max(1024).describe("Why the newest of them was refused.").exactOptional(),
  rawOutputRef: OutputRefSchema.describe("The untouched answer, where a contextPolicy changed it.").exactOptional(),
});
export type StepStatus = z.output<typeof StepStatusSchema>;

const RunLink = z.object({
  name: z.string().max(253).describe("Name of the ArkRun."),
  step: z.string().max(63).describe("Name of the step."),
});

export const ArkRunStatusSchema = z.object({
  ...statusBase,
  phase: z
    .enum(["Pending", "Running", "Succeeded", "Failed"])
    .describe("Failed: a step failed, a budget or the time ran out, or it was cancelled.")
    .exactOptional(),
  steps: z.array(StepStatusSchema).max(256).describe("The steps, in declared order.").exactOptional(),
  output: z
    .string()
    .max(65_536)
    .describe("Result of the run, up to 32 KiB; a preview where it is longer.")
    .exactOptional(),
  outputRef: OutputRefSchema.describe("The whole result, where it is longer.").exactOptional(),
  startTime: Time.describe("When the run began.").exactOptional(),
  completionTime: Time.describe("When it ended.").exactOptional(),
  totalTokenUsage: TokenUsageSchema.describe(
    "Every attempt, iteration, validation, compression and sub-task.",
  ).exactOptional(),
  totalCostUSD: z
    .string()
    .max(32)
    .describe("Decimal string; empty while any used model has no known price.")
    .exactOptional(),
  traceID: z.string().max(64).describe("Trace of the run.").exactOptional(),
  children: z.array(RunLink).max(1024).describe("Runs that steps of this one started.").exactOptional(),
  parent: RunLink.describe("Run, and its step, that started this one.").exactOptional(),
});
export type ArkRunStatus = z.output<typeof ArkRunStatusSchema>;

export const ArkRunSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkRun"),
  metadata: ObjectMetaSchema,
  spec: ArkRunSpecSchema.describe("What runs; written once."),
  status: ArkRunStatusSchema.describe("What happened; written by the collector.").exactOptional(),
});
export type ArkRun = z.output<typeof ArkRunSchema>;
