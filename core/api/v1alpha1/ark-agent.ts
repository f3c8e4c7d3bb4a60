/** ArkAgent: a model, its instructions, its tools and its limits (api 3). */
import { isJsonObject } from "#core/json.ts";
import * as z from "zod";
import { atMostOne, exactlyOne, has, ruled, uniqueNames, unless, type Rule } from "../rules.ts";
import { AutoscalingSchema, MAX_REPLICAS, NETWORK_POLICIES, replicasRule, ResourcesSchema } from "./agent-pods.ts";
import {
  addressField,
  API_VERSION,
  LocalRef,
  ObjectMetaSchema,
  SecretKeyRefSchema,
  statusBase,
  Time,
  TokenUsageSchema,
} from "./common.ts";

export const HeaderSchema = ruled(
  z.object({
    name: z.string().min(1).max(256).describe("Name of the HTTP header."),
    value: z.string().max(4096).describe("Value, for what is no secret.").exactOptional(),
    secretKeyRef: SecretKeyRefSchema.describe("Secret that holds the value.").exactOptional(),
  }),
  exactlyOne(["value", "secretKeyRef"], "a header needs exactly one of value and secretKeyRef"),
);

const AuthSchema = ruled(
  z.object({
    bearer: z
      .object({ secretKeyRef: SecretKeyRefSchema.describe("Secret that holds the token.") })
      .describe("Sends `Authorization: Bearer <token>`.")
      .exactOptional(),
    mtls: z
      .object({
        secretRef: LocalRef.describe(
          "Secret of type kubernetes.io/tls: tls.crt and tls.key of the client; ca.crt, if there, is the only authority trusted for the server.",
        ),
      })
      .describe("Shows a client certificate; the url must be https.")
      .exactOptional(),
  }),
  exactlyOne(["bearer", "mtls"], "auth needs exactly one of bearer and mtls"),
);

const WEB_URL = /^https?:\/\/[^/]/;

/** `stdio:` starts a program, which only local mode does: the API server refuses it, everybody else warns. */
const mcpUrl: Rule<string> = {
  cel: "self.startsWith('http://') || self.startsWith('https://')",
  message: "url must start with http:// or https://",
  broken: unless((url) => WEB_URL.test(url) || /^stdio:./.test(url)),
};

export const McpServerSchema = ruled(
  z.object({
    name: z
      .string()
      .min(1)
      .max(40)
      .regex(/^[a-zA-Z0-9_-]+$/, "must consist of letters, digits, _ and -")
      .describe("Name of the server; the model sees its tools as {server}__{tool}."),
    url: ruled(z.string().min(1).max(2048), mcpUrl).describe(
      "Address, http or https: streamable HTTP, then SSE. `stdio:<command>` in local mode only.",
    ),
    headers: z.array(HeaderSchema).max(32).describe("HTTP headers of every request.").exactOptional(),
    auth: AuthSchema.describe("How the server knows the agent.").exactOptional(),
    instructions: z.string().max(16_384).describe("Joins the system prompt.").exactOptional(),
    timeoutSeconds: z.int32().min(1).max(3600).default(30).describe("Longest time of one call."),
  }),
  {
    cel: "!has(self.auth) || !has(self.auth.mtls) || self.url.startsWith('https://')",
    message: "auth.mtls needs an https url",
    fieldPath: ".url",
    broken: unless(({ auth, url }) => auth?.mtls === undefined || url.startsWith("https://"), "url"),
  },
);
export type McpServer = z.output<typeof McpServerSchema>;

/** JSON Schema, as text or as an object; text keeps its key order on a cluster too. */
export type OutputSchema = string | Readonly<Record<string, unknown>>;
export const OutputSchemaSchema = z
  .unknown()
  .refine((value) => typeof value === "string" || isJsonObject(value), {
    message: "must be a JSON Schema, as an object or as text",
  })
  .meta({ "x-kubernetes-preserve-unknown-fields": true }) as unknown as z.ZodType<OutputSchema, OutputSchema>;

export const WebhookToolSchema = z.object({
  name: z
    .string()
    .max(64)
    .regex(/^[a-zA-Z0-9_-]{1,64}$/, "must have 1 to 64 letters, digits, _ and -")
    .describe("Name of the tool, as the model sees it."),
  description: z.string().max(4096).describe("What the tool is for, told to the model.").exactOptional(),
  url: z
    .string()
    .max(2048)
    .regex(WEB_URL, "must start with http:// or https://")
    .describe("Address that is called; no templates."),
  method: z
    .enum(["GET", "POST", "PUT", "PATCH"])
    .default("POST")
    .describe("GET sends the arguments as the query, the others as a JSON body."),
  inputSchema: OutputSchemaSchema.describe("JSON Schema of the arguments, as an object or as text.").exactOptional(),
  headers: z.array(HeaderSchema).max(32).describe("HTTP headers of every call.").exactOptional(),
  timeoutSeconds: z.int32().min(1).max(3600).default(30).describe("Longest time of one call."),
});
export type WebhookTool = z.output<typeof WebhookToolSchema>;

export const AgentLimitsSchema = z.object({
  maxTokensPerCall: z.int32().min(1).default(8000).describe("Most output tokens of one model call."),
  maxConcurrentTasks: z.int32().min(1).max(1000).default(5).describe("Tasks at once per instance."),
  timeoutSeconds: z.int32().min(1).max(86_400).default(120).describe("Longest time of one task."),
  maxDailyTokens: z
    .int()
    .min(1)
    .meta({ format: "int64" })
    .describe("Most tokens in any 24 hours; reserved before each call.")
    .exactOptional(),
  retries: z
    .int32()
    .min(0)
    .max(100)
    .default(3)
    .describe("Further tries of one model or tool call, after errors that may pass only."),
  maxTurns: z.int32().min(1).max(1000).default(50).describe("Model calls of one task; reaching it fails the task."),
});
export type AgentLimits = z.output<typeof AgentLimitsSchema>;

export const LivenessProbeSchema = ruled(
  z.object({
    type: z
      .enum(["semantic", "ping"])
      .describe("semantic asks the model; ping asks the process. Default: semantic with a validatorPrompt, else ping.")
      .exactOptional(),
    intervalSeconds: z
      .int32()
      .min(5)
      .max(86_400)
      .default(30)
      .describe("At most one question in this time, for the whole pool."),
    validatorPrompt: z
      .string()
      .min(1)
      .max(16_384)
      .describe("The question; the trimmed answer must equal HEALTHY.")
      .exactOptional(),
  }),
  {
    cel: "!has(self.type) || self.type != 'semantic' || has(self.validatorPrompt)",
    message: "validatorPrompt is required with type semantic",
    broken: unless((probe) => probe.type !== "semantic" || has(probe, "validatorPrompt"), "validatorPrompt"),
  },
);
export type LivenessProbe = z.output<typeof LivenessProbeSchema>;

export const SystemPromptRefSchema = ruled(
  z.object({
    configMapKeyRef: SecretKeyRefSchema.describe("ConfigMap that holds the prompt.").exactOptional(),
    secretKeyRef: SecretKeyRefSchema.describe("Secret that holds the prompt.").exactOptional(),
  }),
  exactlyOne(
    ["configMapKeyRef", "secretKeyRef"],
    "systemPromptRef needs exactly one of configMapKeyRef and secretKeyRef",
  ),
);

function envSource(what: string): z.ZodObject<{ name: z.ZodString; optional: z.ZodExactOptional<z.ZodBoolean> }> {
  return z.object({
    name: z.string().min(1).max(253).describe(`Name of the ${what}, in the same namespace.`),
    optional: z.boolean().describe(`Whether the agent may start without the ${what}.`).exactOptional(),
  });
}

/** core/v1 EnvFromSource. */
export const EnvFromSchema = ruled(
  z.object({
    prefix: z.string().max(253).describe("Put before every name; not ARK_.").exactOptional(),
    configMapRef: envSource("ConfigMap").describe("ConfigMap whose keys become variables.").exactOptional(),
    secretRef: envSource("Secret").describe("Secret whose keys become variables.").exactOptional(),
  }),
  exactlyOne(["configMapRef", "secretRef"], "envFrom needs exactly one of configMapRef and secretRef"),
  {
    cel: "!has(self.prefix) || !self.prefix.startsWith('ARK_')",
    message: "prefix may not start with ARK_: those names are reserved",
    fieldPath: ".prefix",
    broken: unless((source) => source.prefix?.startsWith("ARK_") !== true, "prefix"),
  },
);

/** What an ArkAgent and an inline role have in common; `model` is required of the first. */
export const agentFields = {
  replicas: z
    .int32()
    .min(0)
    .max(MAX_REPLICAS)
    .default(1)
    .describe("Most instances; 0 drains and keeps tasks. Idle instances go to zero, unless autoscaling holds some."),
  systemPrompt: z.string().max(524_288).describe("Instructions of the model.").exactOptional(),
  systemPromptRef: SystemPromptRefSchema.describe(
    "Where the instructions stand; a change rolls out within 30 seconds.",
  ).exactOptional(),
  mcpServers: uniqueNames(z.array(McpServerSchema).max(32))
    .describe("MCP servers whose tools the agent may call; an unreachable one costs its own tools only.")
    .exactOptional(),
  tools: uniqueNames(z.array(WebhookToolSchema).max(64)).describe("HTTP tools the agent may call.").exactOptional(),
  limits: AgentLimitsSchema.describe("What the agent may use.").exactOptional(),
  livenessProbe: LivenessProbeSchema.describe("When an instance is ready for work.").exactOptional(),
  settingsRefs: z.array(LocalRef).max(16).describe("ArkSettings in order; a later one wins.").exactOptional(),
  envFrom: z
    .array(EnvFromSchema)
    .max(32)
    .describe("Environment of the agent, core/v1 EnvFromSource; provider keys come this way.")
    .exactOptional(),
  resources: ResourcesSchema.describe(
    "What a pod asks for and may use, core/v1. No effect in local mode.",
  ).exactOptional(),
  autoscaling: AutoscalingSchema.describe("How many instances there are.").exactOptional(),
};

export const promptRule = exactlyOne(
  ["systemPrompt", "systemPromptRef"],
  "exactly one of systemPrompt and systemPromptRef is required",
);

export const ArkAgentSpecSchema = ruled(
  z.object({
    model: z
      .string()
      .min(1)
      .max(253)
      .describe("Name of the model; its prefix names the provider: claude-, gemini-, gpt-, o<digit>, mock."),
    ...agentFields,
    configRef: LocalRef.describe("One ArkSettings; the same as settingsRefs with one entry.").exactOptional(),
    networkPolicy: z
      .enum(NETWORK_POLICIES)
      .default("default")
      .describe(
        "What its pods may reach beside DNS and NATS. default: public addresses, and in the cluster what it names. strict: its model's API, MCP servers and tools. disabled: everything. No effect in local mode.",
      ),
  }),
  promptRule,
  replicasRule,
  atMostOne("configRef", "settingsRefs", "configRef and settingsRefs exclude each other"),
);
export type ArkAgentSpec = z.output<typeof ArkAgentSpecSchema>;

const McpServerStatusSchema = z.object({
  name: z.string().max(40).describe("Name of the server."),
  url: z.string().max(2048).describe("Its address."),
  healthy: z.boolean().describe("Whether its tools can be called."),
  message: z.string().max(1024).describe("Why not.").exactOptional(),
  lastCheck: Time.describe("When it was last tried.").exactOptional(),
});

export const ArkAgentStatusSchema = z.object({
  ...statusBase,
  replicas: z.int32().describe("Instances there are.").exactOptional(),
  readyReplicas: z.int32().describe("Instances that pass readiness.").exactOptional(),
  desiredReplicas: z.int32().describe("Instances that the work calls for.").exactOptional(),
  pendingTasks: z.int32().describe("Tasks waiting for an instance.").exactOptional(),
  dailyTokenUsage: TokenUsageSchema.describe("Tokens of the last 24 hours, all calls.").exactOptional(),
  mcpServers: z.array(McpServerStatusSchema).max(32).describe("State of each MCP server.").exactOptional(),
  systemPromptHash: z.string().max(128).describe("Digest of the prompt in effect.").exactOptional(),
  lastProbe: z
    .object({ time: Time.describe("When it was asked."), healthy: z.boolean().describe("What it answered.") })
    .describe("Newest semantic answer, kept while the agent sleeps.")
    .exactOptional(),
  address: addressField("Where a CloudEvent is posted to start a run of this agent alone."),
});
export type ArkAgentStatus = z.output<typeof ArkAgentStatusSchema>;

export const ArkAgentSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkAgent"),
  metadata: ObjectMetaSchema,
  spec: ArkAgentSpecSchema.describe("What the agent shall be."),
  status: ArkAgentStatusSchema.describe("What the agent is; written by the operator.").exactOptional(),
});
export type ArkAgent = z.output<typeof ArkAgentSchema>;
