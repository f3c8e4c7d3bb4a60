/** ArkEvent: an event source, and the teams or agents it starts (api 1). */
import * as z from "zod";
import { API_VERSION, dnsLabel, ObjectMetaSchema, statusBase, template, templateMap, Time } from "./common.ts";

/** A Knative Trigger filter dialect item. `all`, `any` and `not` nest, so the schema keeps their content as it is. */
export type Filter = {
  readonly exact?: Readonly<Record<string, string>>;
  readonly prefix?: Readonly<Record<string, string>>;
  readonly suffix?: Readonly<Record<string, string>>;
  readonly all?: readonly Filter[];
  readonly any?: readonly Filter[];
  readonly not?: Filter;
  readonly cesql?: string;
};
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTextMap = (value: unknown) => isRecord(value) && Object.values(value).every((text) => typeof text === "string");
const isFilterList = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isFilter);

const DIALECTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  exact: isTextMap,
  prefix: isTextMap,
  suffix: isTextMap,
  all: isFilterList,
  any: isFilterList,
  not: (value) => isFilter(value),
  cesql: (value) => typeof value === "string",
};

function isFilter(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const [[dialect, inner] = ["", undefined], ...more] = Object.entries(value);
  return more.length === 0 && DIALECTS[dialect]?.(inner) === true;
}

export const FilterSchema = z
  .unknown()
  .refine(isFilter, { message: `must be an object with exactly one of ${Object.keys(DIALECTS).join(", ")}` })
  .meta({ type: "object", "x-kubernetes-preserve-unknown-fields": true }) as unknown as z.ZodType<Filter, Filter>;

export const EventSourceSchema = z.object({
  type: z.enum(["webhook", "cron", "team-output", "cloudevent"]),
  cron: z.string().min(1).max(256).exactOptional(),
  timeZone: z.string().min(1).max(64).exactOptional(),
  teamOutput: z
    .object({ name: dnsLabel(), onPhase: z.enum(["Succeeded", "Failed"]).default("Succeeded") })
    .exactOptional(),
  cloudevent: z.object({ filters: z.array(FilterSchema).min(1).max(16) }).exactOptional(),
});
export type EventSource = z.output<typeof EventSourceSchema>;

export const TargetSchema = z.object({
  team: dnsLabel().exactOptional(),
  agent: dnsLabel().exactOptional(),
  prompt: template().min(1).exactOptional(),
  input: templateMap().exactOptional(),
});
export type Target = z.output<typeof TargetSchema>;

export const ArkEventSpecSchema = z.object({
  source: EventSourceSchema,
  targets: z.array(TargetSchema).min(1).max(64),
  concurrencyPolicy: z.enum(["Allow", "Forbid"]).default("Allow"),
  suspended: z.boolean().default(false),
  startingDeadlineSeconds: z.int().min(0).max(604_800).meta({ format: "int64" }).exactOptional(),
});
export type ArkEventSpec = z.output<typeof ArkEventSpecSchema>;

export const ArkEventStatusSchema = z.object({
  ...statusBase,
  webhookURL: z.string().max(2048).exactOptional(),
  lastFiredAt: Time.exactOptional(),
  nextFireAt: Time.exactOptional(),
  firedCount: z.int().min(0).meta({ format: "int64" }).exactOptional(),
});
export type ArkEventStatus = z.output<typeof ArkEventStatusSchema>;

export const ArkEventSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkEvent"),
  metadata: ObjectMetaSchema,
  spec: ArkEventSpecSchema,
  status: ArkEventStatusSchema.exactOptional(),
});
export type ArkEvent = z.output<typeof ArkEventSchema>;
