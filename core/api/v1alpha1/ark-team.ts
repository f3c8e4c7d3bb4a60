/** ArkTeam: roles, and the pipeline in which they work (api 2). */
import * as z from "zod";
import { agentFields, OutputSchemaSchema } from "./ark-agent.ts";
import {
  API_VERSION,
  dnsLabel,
  Duration,
  ObjectMetaSchema,
  statusBase,
  template,
  templateMap,
  Time,
} from "./common.ts";

export type { OutputSchema } from "./ark-agent.ts";

export const RoleSchema = z.object({
  name: dnsLabel(30),
  model: z.string().min(1).max(253).exactOptional(),
  ...agentFields,
  replicas: agentFields.replicas.unwrap().exactOptional(),
  arkAgent: dnsLabel().exactOptional(),
  arkTeam: dnsLabel().exactOptional(),
});
export type Role = z.output<typeof RoleSchema>;

export const InputSpecSchema = z.object({
  name: z.string().min(1).max(63),
  type: z.enum(["string", "number", "boolean", "object", "array"]).default("string"),
  description: z.string().max(1024).exactOptional(),
  required: z.boolean().default(false),
  default: z.string().max(65_536).exactOptional(),
});
export type InputSpec = z.output<typeof InputSpecSchema>;

export const LoopSchema = z.object({
  condition: template().min(1),
  maxIterations: z.int32().min(1).max(100).default(10),
});
export type Loop = z.output<typeof LoopSchema>;

export const ValidationSchema = z.object({
  rejectPatterns: z.array(z.string().min(1).max(1024)).max(32).exactOptional(),
  contains: z.string().min(1).max(1024).exactOptional(),
  schema: OutputSchemaSchema.exactOptional(),
  semantic: z.string().min(1).max(8192).exactOptional(),
  semanticModel: z.string().min(1).max(253).exactOptional(),
  onFailure: z.enum(["fail", "retry"]).default("fail"),
  maxRetries: z.int32().min(0).max(10).default(2),
});
export type Validation = z.output<typeof ValidationSchema>;

export const ContextPolicySchema = z.object({
  strategy: z.enum(["full", "none", "extract", "compress"]).default("full"),
  extract: z.object({ path: z.string().min(1).max(1024) }).exactOptional(),
  compress: z
    .object({
      model: z.string().min(1).max(253).exactOptional(),
      targetTokens: z.int32().min(1).exactOptional(),
      prompt: z.string().min(1).max(8192).exactOptional(),
    })
    .exactOptional(),
});
export type ContextPolicy = z.output<typeof ContextPolicySchema>;

export const RetrySchema = z.object({
  limit: z.int32().min(0).max(10).default(0),
  backoff: z
    .object({
      duration: Duration.default("2s"),
      factor: z.int32().min(1).max(10).default(2),
      cap: Duration.default("5m"),
    })
    .exactOptional(),
});
export type Retry = z.output<typeof RetrySchema>;

export const StepSchema = z.object({
  name: dnsLabel().exactOptional(),
  role: dnsLabel(),
  dependsOn: z.array(dnsLabel()).max(64).exactOptional(),
  inputs: templateMap().exactOptional(),
  inputOrder: z.array(z.string().max(63)).max(64).exactOptional(),
  if: template().exactOptional(),
  loop: LoopSchema.exactOptional(),
  outputSchema: OutputSchemaSchema.exactOptional(),
  validate: ValidationSchema.exactOptional(),
  contextPolicy: ContextPolicySchema.exactOptional(),
  retry: RetrySchema.exactOptional(),
  timeoutSeconds: z.int32().min(1).exactOptional(),
});
export type Step = z.output<typeof StepSchema>;

/** The part of a team that a run copies. */
export const teamRunFields = {
  roles: z.array(RoleSchema).min(1).max(64),
  pipeline: z.array(StepSchema).min(1).max(256),
  output: template().exactOptional(),
  timeoutSeconds: z.int32().min(1).exactOptional(),
  maxTokens: z.int().min(1).meta({ format: "int64" }).exactOptional(),
  defaultContextPolicy: ContextPolicySchema.exactOptional(),
  inputs: z.array(InputSpecSchema).max(64).exactOptional(),
};

export const ArkTeamSpecSchema = z.object({
  ...teamRunFields,
  input: templateMap().exactOptional(),
  limits: z.object({ maxDailyTokens: z.int().min(1).meta({ format: "int64" }).exactOptional() }).exactOptional(),
  successfulRunsHistoryLimit: z.int32().min(0).default(10),
  failedRunsHistoryLimit: z.int32().min(0).default(3),
  runRetainFor: Duration.exactOptional(),
});
export type ArkTeamSpec = z.output<typeof ArkTeamSpecSchema>;

export const ArkTeamStatusSchema = z.object({
  ...statusBase,
  phase: z.enum(["Pending", "Ready", "Running", "Succeeded", "Failed"]).exactOptional(),
  roles: z
    .array(
      z.object({
        name: z.string().max(63),
        readyReplicas: z.int32().exactOptional(),
        desiredReplicas: z.int32().exactOptional(),
        managedArkAgent: z.string().max(253).exactOptional(),
      }),
    )
    .max(64)
    .exactOptional(),
  entryRole: z.string().max(63).exactOptional(),
  lastRunName: z.string().max(253).exactOptional(),
  lastRunPhase: z.string().max(32).exactOptional(),
  lastActiveTime: Time.exactOptional(),
});
export type ArkTeamStatus = z.output<typeof ArkTeamStatusSchema>;

export const ArkTeamSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkTeam"),
  metadata: ObjectMetaSchema,
  spec: ArkTeamSpecSchema,
  status: ArkTeamStatusSchema.exactOptional(),
});
export type ArkTeam = z.output<typeof ArkTeamSchema>;
