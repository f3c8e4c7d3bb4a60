/** ArkEvent: an event source, and the teams or agents it starts (api 1). */
import * as z from "zod";
import { cronPattern, parseCron } from "../cron.ts";
import { celHas, exactlyOne, has, ruled, unless, type Rule } from "../rules.ts";
import { isTimeZone } from "../time-zone.ts";
import { API_VERSION, dnsLabel, ObjectMetaSchema, statusBase, template, templateMap, Time } from "./common.ts";
import { FilterSchema } from "./filter.ts";

export type { Filter } from "./filter.ts";

/** The whole check is the function's (U1): CEL sees the shape and the bounds, not what a range or a day means. */
const CronSchema = z
  .string()
  .min(1)
  .max(256)
  .check((payload) => {
    const outcome = parseCron(payload.value);
    if (outcome.kind === "cron") return;
    payload.issues.push({ code: "custom", message: outcome.fault.message, input: payload.value });
  })
  .meta({
    "x-kubernetes-validations": [
      {
        rule: `self.matches('${cronPattern().replaceAll("\\", "\\\\")}')`,
        message:
          "cron must have 5 fields (minute, hour, day of month, month, day of week) or be one of @hourly, @daily, @weekly, @monthly, @yearly",
      },
    ],
  });

const TimeZoneSchema = ruled(z.string().min(1).max(64), {
  cel: "self.matches('^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$') && self != 'Local'",
  message: "timeZone must be an IANA name such as Europe/Berlin; Local is refused",
  broken: unless(isTimeZone),
});

type SourceShape = { readonly type: string; readonly [field: string]: unknown };

/** The block that `type` names is set, and no other. */
function blockOf(type: string, field: string): Rule<SourceShape> {
  return {
    cel: `(self.type == '${type}') == ${celHas(field)}`,
    message: `${field} is required with type ${type}, and refused with any other`,
    broken: unless((source) => (source.type === type) === has(source, field), field),
  };
}

export const EventSourceSchema = ruled(
  z.object({
    type: z.enum(["webhook", "cron", "team-output", "cloudevent"]).describe("What fires."),
    cron: CronSchema.describe(
      "Schedule: five fields, or one of @hourly, @daily, @weekly, @monthly, @yearly. With type cron.",
    ).exactOptional(),
    timeZone: TimeZoneSchema.describe(
      "IANA zone of the schedule, UTC unless set. A skipped local hour does not fire, a doubled one fires once.",
    ).exactOptional(),
    teamOutput: z
      .object({
        name: dnsLabel().describe("The upstream ArkTeam, in the same namespace."),
        onPhase: z
          .enum(["Succeeded", "Failed"])
          .default("Succeeded")
          .describe("Fires once for each run of that team that ends so."),
      })
      .describe("The team whose ends fire. With type team-output.")
      .exactOptional(),
    cloudevent: z
      .object({ filters: z.array(FilterSchema).min(1).max(16).describe("All must match.") })
      .describe("Which CloudEvents of the Broker fire. With type cloudevent.")
      .exactOptional(),
  }),
  blockOf("cron", "cron"),
  blockOf("team-output", "teamOutput"),
  blockOf("cloudevent", "cloudevent"),
  {
    cel: "!has(self.timeZone) || self.type == 'cron'",
    message: "timeZone is for type cron only",
    broken: unless((source) => source.type === "cron" || !has(source, "timeZone"), "timeZone"),
  },
);
export type EventSource = z.output<typeof EventSourceSchema>;

export const TargetSchema = ruled(
  z.object({
    team: dnsLabel().describe("ArkTeam to start, in the same namespace.").exactOptional(),
    agent: dnsLabel().describe("ArkAgent to start, in the same namespace: a run of one step.").exactOptional(),
    prompt: template().min(1).describe("The agent's task; a template on the trigger context.").exactOptional(),
    input: templateMap().describe("Overrides the team's input; templates on the trigger context.").exactOptional(),
  }),
  exactlyOne(["team", "agent"], "a target needs exactly one of team and agent"),
  {
    cel: "has(self.prompt) == has(self.agent)",
    message: "prompt is required with agent, and refused with team",
    broken: unless((target) => has(target, "prompt") === has(target, "agent"), "prompt"),
  },
  {
    cel: "!has(self.input) || has(self.team)",
    message: "input is for a team only",
    broken: unless((target) => !has(target, "input") || has(target, "team"), "input"),
  },
);
export type Target = z.output<typeof TargetSchema>;

export const ArkEventSpecSchema = ruled(
  z.object({
    source: EventSourceSchema.describe("What fires."),
    targets: z
      .array(TargetSchema)
      .min(1)
      .max(64)
      .describe("All are started in parallel; a failure of one leaves the others alone."),
    concurrencyPolicy: z
      .enum(["Allow", "Forbid"])
      .default("Allow")
      .describe("Allow: always start. Forbid: skip the fire while any run of this event has not ended."),
    suspended: z.boolean().default(false).describe("Pauses every fire; object, URL and token stay."),
    startingDeadlineSeconds: z
      .int()
      .min(0)
      .max(604_800)
      .meta({ format: "int64" })
      .describe(
        "Missed ticks inside it are caught up, oldest first, one run each. Unset: only the newest missed tick, if under 100 seconds old. 0: none. With type cron.",
      )
      .exactOptional(),
  }),
  {
    cel: "!has(self.startingDeadlineSeconds) || self.source.type == 'cron'",
    message: "startingDeadlineSeconds is for type cron only",
    broken: unless(
      (spec) => spec.source.type === "cron" || !has(spec, "startingDeadlineSeconds"),
      "startingDeadlineSeconds",
    ),
  },
  {
    cel: "!has(self.source.teamOutput) || self.targets.all(target, !has(target.team) || target.team != self.source.teamOutput.name)",
    message: "targets may not start the team whose output fires this event: it would fire itself for ever",
    fieldPath: ".targets",
    broken: ({ source, targets }) =>
      targets.flatMap((target, i) =>
        source.teamOutput !== undefined && target.team === source.teamOutput.name ? [["targets", i, "team"]] : [],
      ),
  },
);
export type ArkEventSpec = z.output<typeof ArkEventSpecSchema>;

export const ArkEventStatusSchema = z.object({
  ...statusBase,
  webhookURL: z.string().max(2048).describe("Cluster-internal URL; webhook only.").exactOptional(),
  lastFiredAt: Time.describe("Newest accepted fire.").exactOptional(),
  nextFireAt: Time.describe("Next tick; cron only, empty while suspended.").exactOptional(),
  firedCount: z
    .int()
    .min(0)
    .meta({ format: "int64" })
    .describe("Accepted fires, not runs; never goes back.")
    .exactOptional(),
  deadLetters: z
    .int()
    .min(0)
    .meta({ format: "int32" })
    .describe("Events that could not be dispatched, kept for 30 days; `ark replay` sends them again.")
    .exactOptional(),
});
export type ArkEventStatus = z.output<typeof ArkEventStatusSchema>;

export const ArkEventSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkEvent"),
  metadata: ObjectMetaSchema,
  spec: ArkEventSpecSchema.describe("What fires, and what it starts."),
  status: ArkEventStatusSchema.describe("What the event did; written by the operator.").exactOptional(),
});
export type ArkEvent = z.output<typeof ArkEventSchema>;
