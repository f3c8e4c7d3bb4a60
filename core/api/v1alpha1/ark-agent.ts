/** ArkAgent: a model, its instructions, its tools and its limits (api 3). */
import * as z from "zod";
import {
  API_VERSION,
  LocalRef,
  ObjectMetaSchema,
  SecretKeyRefSchema,
  statusBase,
  Time,
  TokenUsageSchema,
} from "./common.ts";

export const HeaderSchema = z.object({
  name: z.string().min(1).max(256),
  value: z.string().max(4096).exactOptional(),
  secretKeyRef: SecretKeyRefSchema.exactOptional(),
});

export const McpServerSchema = z.object({
  name: z
    .string()
    .min(1)
    .max(40)
    .regex(/^[a-zA-Z0-9_-]+$/),
  url: z.string().min(1).max(2048),
  headers: z.array(HeaderSchema).max(32).exactOptional(),
  auth: z.object({ bearer: z.object({ secretKeyRef: SecretKeyRefSchema }).exactOptional() }).exactOptional(),
  instructions: z.string().max(16_384).exactOptional(),
  timeoutSeconds: z.int32().min(1).max(3600).default(30),
});
export type McpServer = z.output<typeof McpServerSchema>;

/** JSON Schema, as text or as an object; text keeps its key order on a cluster too. */
export type OutputSchema = string | Readonly<Record<string, unknown>>;
export const OutputSchemaSchema = z
  .unknown()
  .refine(
    (value) => typeof value === "string" || (typeof value === "object" && value !== null && !Array.isArray(value)),
    {
      message: "must be a JSON Schema, as an object or as text",
    },
  )
  .meta({ "x-kubernetes-preserve-unknown-fields": true }) as unknown as z.ZodType<OutputSchema, OutputSchema>;

export const WebhookToolSchema = z.object({
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  description: z.string().max(4096).exactOptional(),
  url: z.string().min(1).max(2048),
  method: z.enum(["GET", "POST", "PUT", "PATCH"]).default("POST"),
  inputSchema: OutputSchemaSchema.exactOptional(),
  headers: z.array(HeaderSchema).max(32).exactOptional(),
  timeoutSeconds: z.int32().min(1).max(3600).default(30),
});
export type WebhookTool = z.output<typeof WebhookToolSchema>;

export const AgentLimitsSchema = z.object({
  maxTokensPerCall: z.int32().min(1).default(8000),
  maxConcurrentTasks: z.int32().min(1).max(1000).default(5),
  timeoutSeconds: z.int32().min(1).max(86_400).default(120),
  maxDailyTokens: z.int().min(1).meta({ format: "int64" }).exactOptional(),
  retries: z.int32().min(0).max(100).default(3),
  maxTurns: z.int32().min(1).max(1000).default(50),
});
export type AgentLimits = z.output<typeof AgentLimitsSchema>;

export const LivenessProbeSchema = z.object({
  type: z.enum(["semantic", "ping"]).exactOptional(),
  intervalSeconds: z.int32().min(5).max(86_400).default(30),
  validatorPrompt: z.string().min(1).max(16_384).exactOptional(),
});
export type LivenessProbe = z.output<typeof LivenessProbeSchema>;

export const SystemPromptRefSchema = z.object({
  configMapKeyRef: SecretKeyRefSchema.exactOptional(),
  secretKeyRef: SecretKeyRefSchema.exactOptional(),
});

/** core/v1 EnvFromSource. */
export const EnvFromSchema = z.object({
  prefix: z.string().max(253).exactOptional(),
  configMapRef: z.object({ name: z.string().max(253), optional: z.boolean().exactOptional() }).exactOptional(),
  secretRef: z.object({ name: z.string().max(253), optional: z.boolean().exactOptional() }).exactOptional(),
});

/** What an ArkAgent and an inline role have in common; `model` is required of the first. */
export const agentFields = {
  replicas: z.int32().min(0).max(50).default(1),
  systemPrompt: z.string().max(524_288).exactOptional(),
  systemPromptRef: SystemPromptRefSchema.exactOptional(),
  mcpServers: z.array(McpServerSchema).max(32).exactOptional(),
  tools: z.array(WebhookToolSchema).max(64).exactOptional(),
  limits: AgentLimitsSchema.exactOptional(),
  livenessProbe: LivenessProbeSchema.exactOptional(),
  settingsRefs: z.array(LocalRef).max(16).exactOptional(),
  envFrom: z.array(EnvFromSchema).max(32).exactOptional(),
};

export const ArkAgentSpecSchema = z.object({
  model: z.string().min(1).max(253),
  ...agentFields,
  configRef: LocalRef.exactOptional(),
});
export type ArkAgentSpec = z.output<typeof ArkAgentSpecSchema>;

export const ArkAgentStatusSchema = z.object({
  ...statusBase,
  replicas: z.int32().exactOptional(),
  readyReplicas: z.int32().exactOptional(),
  desiredReplicas: z.int32().exactOptional(),
  pendingTasks: z.int32().exactOptional(),
  dailyTokenUsage: TokenUsageSchema.exactOptional(),
  mcpServers: z
    .array(
      z.object({
        name: z.string().max(40),
        url: z.string().max(2048),
        healthy: z.boolean(),
        message: z.string().max(1024).exactOptional(),
        lastCheck: Time.exactOptional(),
      }),
    )
    .max(32)
    .exactOptional(),
  systemPromptHash: z.string().max(128).exactOptional(),
  lastProbe: z.object({ time: Time, healthy: z.boolean() }).exactOptional(),
});
export type ArkAgentStatus = z.output<typeof ArkAgentStatusSchema>;

export const ArkAgentSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkAgent"),
  metadata: ObjectMetaSchema,
  spec: ArkAgentSpecSchema,
  status: ArkAgentStatusSchema.exactOptional(),
});
export type ArkAgent = z.output<typeof ArkAgentSchema>;
