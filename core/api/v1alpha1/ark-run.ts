/** ArkRun: the immutable record of one execution (api 4). */
import * as z from "zod";
import { teamRunFields } from "./ark-team.ts";
import { API_VERSION, dnsLabel, ObjectMetaSchema, statusBase, Time, TokenUsageSchema } from "./common.ts";

export const ArkRunSpecSchema = z.object({
  teamRef: dnsLabel().exactOptional(),
  agent: dnsLabel().exactOptional(),
  /** Rendered already: a run holds no templates but those of its steps. */
  prompt: z.string().max(1_048_576).exactOptional(),
  teamGeneration: z.int().min(0).meta({ format: "int64" }).exactOptional(),
  input: z.record(z.string().max(63), z.string().max(1_048_576)).exactOptional(),
  inputs: teamRunFields.inputs,
  pipeline: teamRunFields.pipeline.exactOptional(),
  roles: teamRunFields.roles.exactOptional(),
  output: teamRunFields.output,
  timeoutSeconds: z.int32().min(0).exactOptional(),
  maxTokens: z.int().min(0).meta({ format: "int64" }).exactOptional(),
  defaultContextPolicy: teamRunFields.defaultContextPolicy,
});
export type ArkRunSpec = z.output<typeof ArkRunSpecSchema>;

export const OutputRefSchema = z.object({
  digest: z.string().max(128),
  bytes: z.int().min(0).meta({ format: "int64" }),
});

export const StepStatusSchema = z.object({
  name: z.string().max(63),
  phase: z.enum([
    "Pending",
    "Running",
    "Succeeded",
    "Failed",
    "Skipped",
    "WarmingUp",
    "Validating",
    "Waiting",
    "Cancelled",
  ]),
  taskID: z.string().max(512).exactOptional(),
  output: z.string().max(65_536).exactOptional(),
  outputRef: OutputRefSchema.exactOptional(),
  outputJSON: z.string().max(65_536).exactOptional(),
  startTime: Time.exactOptional(),
  completionTime: Time.exactOptional(),
  message: z.string().max(1024).exactOptional(),
  errorCode: z.string().max(128).exactOptional(),
  iterations: z.int32().exactOptional(),
  attempts: z.int32().exactOptional(),
  tokenUsage: TokenUsageSchema.exactOptional(),
  validationAttempts: z.int32().exactOptional(),
  validationMessage: z.string().max(1024).exactOptional(),
  rawOutputRef: OutputRefSchema.exactOptional(),
});
export type StepStatus = z.output<typeof StepStatusSchema>;

const RunLink = z.object({ name: z.string().max(253), step: z.string().max(63) });

export const ArkRunStatusSchema = z.object({
  ...statusBase,
  phase: z.enum(["Pending", "Running", "Succeeded", "Failed"]).exactOptional(),
  steps: z.array(StepStatusSchema).max(256).exactOptional(),
  output: z.string().max(65_536).exactOptional(),
  outputRef: OutputRefSchema.exactOptional(),
  startTime: Time.exactOptional(),
  completionTime: Time.exactOptional(),
  totalTokenUsage: TokenUsageSchema.exactOptional(),
  totalCostUSD: z.string().max(32).exactOptional(),
  traceID: z.string().max(64).exactOptional(),
  children: z.array(RunLink).max(1024).exactOptional(),
  parent: RunLink.exactOptional(),
});
export type ArkRunStatus = z.output<typeof ArkRunStatusSchema>;

export const ArkRunSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkRun"),
  metadata: ObjectMetaSchema,
  spec: ArkRunSpecSchema,
  status: ArkRunStatusSchema.exactOptional(),
});
export type ArkRun = z.output<typeof ArkRunSchema>;
