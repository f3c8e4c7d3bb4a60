/** ArkTeam: roles, and the pipeline in which they work (api 2). */
import * as z from "zod";
import { parseDuration } from "../../duration.ts";
import { celHas, exactlyOne, has, repeated, ruled, uniqueItems, uniqueNames, unless, type Rule } from "../rules.ts";
import { replicasRule } from "./agent-pods.ts";
import { agentFields, OutputSchemaSchema, promptRule } from "./ark-agent.ts";
import {
  addressField,
  API_VERSION,
  dnsLabel,
  Duration,
  MAX_KEY_LENGTH,
  MAX_KEYS,
  ObjectMetaSchema,
  statusBase,
  template,
  templateMap,
  Time,
} from "./common.ts";

export type { OutputSchema } from "./ark-agent.ts";

const INLINE_FIELDS = Object.keys(agentFields);

export const RoleSchema = ruled(
  z.object({
    name: dnsLabel(30).describe("Name of the role; steps name it."),
    model: z
      .string()
      .min(1)
      .max(253)
      .describe("Makes the role an agent of its own, ArkAgent {team}-{role}; the fields of an ArkAgent may follow.")
      .exactOptional(),
    ...agentFields,
    replicas: agentFields.replicas
      .unwrap()
      .describe("Most instances, 1 unless set; 0 drains and keeps tasks.")
      .exactOptional(),
    arkAgent: dnsLabel().describe("An existing ArkAgent, in the same namespace.").exactOptional(),
    arkTeam: dnsLabel()
      .describe("A whole ArkTeam as one step, in the same namespace; its run is an ArkRun of its own.")
      .exactOptional(),
  }),
  exactlyOne(["model", "arkAgent", "arkTeam"], "a role needs exactly one of model, arkAgent and arkTeam"),
  {
    cel: `has(self.model) || !(${INLINE_FIELDS.map(celHas).join(" || ")})`,
    message: "fields of an agent are refused beside arkAgent and arkTeam: set them there",
    broken: (role) =>
      role.model === undefined ? INLINE_FIELDS.filter((field) => has(role, field)).map((field) => [field]) : [],
  },
  {
    cel: `!has(self.model) || ${promptRule.cel}`,
    message: promptRule.message,
    broken: (role) => (role.model === undefined ? [] : promptRule.broken(role)),
  },
  replicasRule,
);
export type Role = z.output<typeof RoleSchema>;

export const InputSpecSchema = z.object({
  name: z.string().min(1).max(MAX_KEY_LENGTH).describe("Key of the input."),
  type: z
    .enum(["string", "number", "boolean", "object", "array"])
    .default("string")
    .describe("What the value must be; all but string travel as JSON text."),
  description: z.string().max(1024).describe("What it is for.").exactOptional(),
  required: z.boolean().default(false).describe("Whether a run without it fails."),
  default: z.string().max(65_536).describe("Value of an input that is not given.").exactOptional(),
});
export type InputSpec = z.output<typeof InputSpecSchema>;

export const LoopSchema = z.object({
  condition: template().min(1).describe("Template, evaluated after each success: true means once more."),
  maxIterations: z.int32().min(1).max(100).default(10).describe("Most further executions."),
});
export type Loop = z.output<typeof LoopSchema>;

export const ValidationSchema = ruled(
  z.object({
    rejectPatterns: z
      .array(z.string().min(1).max(1024))
      .max(32)
      .describe("RE2 patterns; a match fails the step, whatever onFailure says.")
      .exactOptional(),
    contains: z.string().min(1).max(1024).describe("RE2 pattern that must match.").exactOptional(),
    schema: OutputSchemaSchema.describe("JSON Schema that the answer must match.").exactOptional(),
    semantic: z
      .string()
      .min(1)
      .max(8192)
      .describe("Criteria that a model judges the answer by; a counted call.")
      .exactOptional(),
    semanticModel: z
      .string()
      .min(1)
      .max(253)
      .describe("Model that judges; the agent's own unless set.")
      .exactOptional(),
    onFailure: z
      .enum(["fail", "retry"])
      .default("fail")
      .describe("retry: a new attempt that gets the earlier answer and the reason."),
    maxRetries: z.int32().min(0).max(10).default(2).describe("Further attempts with onFailure retry."),
  }),
  {
    cel: "!has(self.semanticModel) || has(self.semantic)",
    message: "semanticModel is for semantic only",
    broken: unless((check) => !has(check, "semanticModel") || has(check, "semantic"), "semanticModel"),
  },
);
export type Validation = z.output<typeof ValidationSchema>;

export const ContextPolicySchema = ruled(
  z.object({
    strategy: z
      .enum(["full", "none", "extract", "compress"])
      .default("full")
      .describe("What dependents get of the output: all, nothing, a part, a summary."),
    extract: z
      .object({
        path: z
          .string()
          .min(1)
          .max(1024)
          .describe("JSON path on JSON, else an RE2 pattern whose first group counts; no match keeps the original."),
      })
      .describe("With strategy extract.")
      .exactOptional(),
    compress: z
      .object({
        model: z
          .string()
          .min(1)
          .max(253)
          .describe("Model that compresses; the agent's own unless set.")
          .exactOptional(),
        targetTokens: z.int32().min(1).describe("Length to aim at.").exactOptional(),
        prompt: z.string().min(1).max(8192).describe("Instructions of the compression.").exactOptional(),
      })
      .describe("With strategy compress; one counted model call.")
      .exactOptional(),
  }),
  {
    cel: "(self.strategy == 'extract') == has(self.extract)",
    message: "extract is required with strategy extract, and refused with any other",
    broken: unless((policy) => (policy.strategy === "extract") === has(policy, "extract"), "extract"),
  },
  {
    cel: "!has(self.compress) || self.strategy == 'compress'",
    message: "compress is for strategy compress only",
    broken: unless((policy) => !has(policy, "compress") || policy.strategy === "compress", "compress"),
  },
);
export type ContextPolicy = z.output<typeof ContextPolicySchema>;

const BackoffSchema = ruled(
  z.object({
    duration: Duration.default("2s").describe("Wait before the second attempt."),
    factor: z.int32().min(1).max(10).default(2).describe("How much longer each further wait is."),
    cap: Duration.default("5m").describe("Longest wait."),
  }),
  {
    cel: "duration(self.cap) >= duration(self.duration)",
    message: "cap must be at least duration",
    fieldPath: ".cap",
    broken: unless(({ cap, duration }) => (parseDuration(cap) ?? 0) >= (parseDuration(duration) ?? 0), "cap"),
  },
);

export const RetrySchema = z.object({
  limit: z.int32().min(0).max(10).default(0).describe("Most further attempts, after errors that may pass only."),
  backoff: BackoffSchema.describe("Waits between attempts; full jitter, Retry-After wins.").exactOptional(),
});
export type Retry = z.output<typeof RetrySchema>;

export const StepSchema = ruled(
  z.object({
    name: dnsLabel().describe("The step's key in .steps and in status; its role unless set.").exactOptional(),
    role: dnsLabel().describe("Role that does it."),
    dependsOn: z
      .array(dnsLabel())
      .max(64)
      .describe("Steps; it starts when all have Succeeded or been Skipped.")
      .exactOptional(),
    inputs: templateMap()
      .describe(
        "The prompt's fields, templates; the run's input unless set. One input called prompt alone is the prompt.",
      )
      .exactOptional(),
    inputOrder: uniqueItems(z.array(z.string().min(1).max(MAX_KEY_LENGTH)).max(MAX_KEYS))
      .describe("Order of the prompt's fields, because an API server sorts the keys of maps.")
      .exactOptional(),
    if: template().describe("Template; false skips the step, an error fails it.").exactOptional(),
    loop: LoopSchema.describe("Repeats while a condition is true.").exactOptional(),
    outputSchema: OutputSchemaSchema.describe(
      "JSON Schema 2020-12 of the answer, as an object or as text; checked in full.",
    ).exactOptional(),
    validate: ValidationSchema.describe("Further checks of the answer.").exactOptional(),
    contextPolicy: ContextPolicySchema.describe("What dependents get of the output.").exactOptional(),
    retry: RetrySchema.describe("New attempts after errors that may pass.").exactOptional(),
    timeoutSeconds: z.int32().min(1).describe("Longest time of one attempt; the agent's unless set.").exactOptional(),
  }),
  {
    cel: "!has(self.dependsOn) || !((has(self.name) ? self.name : self.role) in self.dependsOn)",
    message: "dependsOn may not name the step itself",
    fieldPath: ".dependsOn",
    broken: (step) =>
      (step.dependsOn ?? []).flatMap((name, i) => (name === (step.name ?? step.role) ? [["dependsOn", i]] : [])),
  },
  {
    cel: "!has(self.inputOrder) || (has(self.inputs) && self.inputOrder.all(key, key in self.inputs))",
    message: "inputOrder may name keys of inputs only",
    fieldPath: ".inputOrder",
    broken: (step) =>
      (step.inputOrder ?? []).flatMap((key, i) => (Object.hasOwn(step.inputs ?? {}, key) ? [] : [["inputOrder", i]])),
  },
);
export type Step = z.output<typeof StepSchema>;

/** The part of a team that a run copies. */
export const teamRunFields = {
  roles: uniqueNames(z.array(RoleSchema).min(1).max(64)).describe("Who works in the team."),
  pipeline: z.array(StepSchema).min(1).max(256).describe("The steps; what depends on nothing starts at once."),
  output: template()
    .describe("Template of the result; the outputs of the steps that nothing depends on unless set.")
    .exactOptional(),
  timeoutSeconds: z.int32().min(1).describe("Longest time of a run.").exactOptional(),
  maxTokens: z
    .int()
    .min(1)
    .meta({ format: "int64" })
    .describe("Most tokens of a run, every attempt and sub-task; reserved before each call.")
    .exactOptional(),
  limits: z
    .object({
      maxDailyTokens: z
        .int()
        .min(1)
        .meta({ format: "int64" })
        .describe("Most tokens of all runs in any 24 hours, every role; reserved before each call.")
        .exactOptional(),
    })
    .describe("What all runs of the team may use together.")
    .exactOptional(),
  defaultContextPolicy: ContextPolicySchema.describe(
    "What steps get of outputs that they do not directly depend on; full unless set.",
  ).exactOptional(),
  inputs: uniqueNames(z.array(InputSpecSchema).max(MAX_KEYS))
    .describe("Inputs of a run, checked before the first model call.")
    .exactOptional(),
};

type Graph = {
  readonly roles?: readonly Role[] | undefined;
  readonly pipeline?: readonly Step[] | undefined;
};

function stepName(step: Step): string {
  return step.name ?? step.role;
}

const NAMES = "self.pipeline.map(step, has(step.name) ? step.name : step.role)";

/** The server counts what a rule costs while it runs: in a larger pipeline the condition InvalidDAG says it alone. */
const MAX_STEPS_LINKED = 96;

/**
 * What a pipeline and its roles must agree on, in a team and in a run's snapshot of one. They are no part of the zod
 * schema: `checkObject` asks them once the schema holds, so that the graph's faults and those inside texts come together.
 */
export const graphRules: readonly Rule<Graph>[] = [
  {
    cel: "!has(self.pipeline) || !has(self.roles) || self.pipeline.all(step, self.roles.exists(role, role.name == step.role))",
    message: "pipeline may use only roles that are declared in roles",
    fieldPath: ".pipeline",
    broken: ({ roles = [], pipeline = [] }) => {
      const names = new Set(roles.map((role) => role.name));
      if (names.size === 0) return [];
      return pipeline.flatMap((step, i) => (names.has(step.role) ? [] : [["pipeline", i, "role"]]));
    },
    hint: ({ roles = [] }) => `roles are ${roles.map((role) => role.name).join(", ")}`,
  },
  {
    cel: `!has(self.pipeline) || ${NAMES}.all(name, self.pipeline.exists_one(step, (has(step.name) ? step.name : step.role) == name))`,
    message: "pipeline has two steps of one name: a step is called after its role unless it has a name",
    fieldPath: ".pipeline",
    broken: ({ pipeline = [] }) =>
      repeated(pipeline, stepName, "").map(([i = 0]) => {
        return ["pipeline", i, pipeline[Number(i)]?.name === undefined ? "role" : "name"];
      }),
    hint: () => "give each step of a role its own name",
  },
  {
    cel: `!has(self.pipeline) || self.pipeline.size() > ${MAX_STEPS_LINKED} || [${NAMES}].all(names, self.pipeline.all(step, !has(step.dependsOn) || step.dependsOn.all(name, name in names)))`,
    message: "dependsOn may name steps of the pipeline only",
    fieldPath: ".pipeline",
    broken: ({ pipeline = [] }) => {
      const names = new Set(pipeline.map(stepName));
      return pipeline.flatMap(({ dependsOn = [] }, i) =>
        dependsOn.flatMap((name, k) => (names.has(name) ? [] : [["pipeline", i, "dependsOn", k]])),
      );
    },
    hint: ({ pipeline = [] }) => `steps are ${pipeline.map(stepName).join(", ")}`,
  },
];

export const ArkTeamSpecSchema = z.object({
  ...teamRunFields,
  input: templateMap().describe("Defaults of the run's input, overridden by the trigger.").exactOptional(),
  successfulRunsHistoryLimit: z.int32().min(0).default(10).describe("Succeeded runs to keep, newest first."),
  failedRunsHistoryLimit: z.int32().min(0).default(3).describe("Failed runs to keep, newest first."),
  runRetainFor: ruled(Duration, {
    cel: "duration(self) >= duration('1m')",
    message: "runRetainFor must be at least 1m",
    broken: unless((text) => (parseDuration(text) ?? 60_000) >= 60_000),
  })
    .describe("Ended runs older than this are deleted, whatever the counts.")
    .exactOptional(),
});
export type ArkTeamSpec = z.output<typeof ArkTeamSpecSchema>;

const RoleStatusSchema = z.object({
  name: z.string().max(63).describe("Name of the role."),
  readyReplicas: z.int32().describe("Instances that pass readiness.").exactOptional(),
  desiredReplicas: z.int32().describe("Instances that the work calls for.").exactOptional(),
  managedArkAgent: z.string().max(253).describe("ArkAgent made for an inline role.").exactOptional(),
});

export const ArkTeamStatusSchema = z.object({
  ...statusBase,
  phase: z
    .enum(["Pending", "Ready", "Running", "Succeeded", "Failed"])
    .describe("Running while a run is active, else as the newest run; Ready before the first.")
    .exactOptional(),
  roles: z.array(RoleStatusSchema).max(64).describe("State of each role.").exactOptional(),
  entryRole: z.string().max(63).describe("Role that gets the run's input.").exactOptional(),
  lastRunName: z.string().max(253).describe("Newest ArkRun.").exactOptional(),
  lastRunPhase: z.string().max(32).describe("Its phase.").exactOptional(),
  lastActiveTime: Time.describe("When the team last worked.").exactOptional(),
  address: addressField("Where a CloudEvent is posted to start a run."),
});
export type ArkTeamStatus = z.output<typeof ArkTeamStatusSchema>;

export const ArkTeamSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkTeam"),
  metadata: ObjectMetaSchema,
  spec: ArkTeamSpecSchema.describe("Roles, and how they work together."),
  status: ArkTeamStatusSchema.describe("What the team did; written by the operator.").exactOptional(),
});
export type ArkTeam = z.output<typeof ArkTeamSchema>;
