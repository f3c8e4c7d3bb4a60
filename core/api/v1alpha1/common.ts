/** Schemas that several kinds share. Bounds exist so that the API server can estimate the cost of CEL rules. */
import * as z from "zod";
import { boundedMap, ruled, unless } from "../rules.ts";
import { parseDuration } from "../../duration.ts";

export const API_GROUP = "arkonis.dev";
export const API_VERSION = `${API_GROUP}/v1alpha1` as const;

/** RFC 1123 label. Stream subjects and child names are made of it, so object names stop at 40 characters (api, "Names"). */
export const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const MAX_NAME = 40;

/** Most keys of a map, and most characters of a key: `input`, `inputs`, `promptFragments`. */
export const MAX_KEYS = 64;
export const MAX_KEY_LENGTH = 63;

export function dnsLabel(max: number = MAX_NAME): z.ZodString {
  return z.string().min(1).max(max).regex(DNS_LABEL, "must be a DNS label: lower-case letters, digits and dashes");
}

/** Templates are Go text/template; the limit on their source is 64 KiB (api 12). */
export function template(): z.ZodString {
  return z.string().max(65_536);
}

export function templateMap(): z.ZodRecord<z.ZodString, z.ZodString> {
  return boundedMap(template(), { keys: MAX_KEYS, keyLength: MAX_KEY_LENGTH });
}

/** Go counts nanoseconds in 64 bits, CEL does too: a longer duration does not parse there. */
const LONGEST_MS = 9_223_372_036_854;

/** A Go duration, e.g. `90s`, `1h30m`. */
export const Duration = ruled(
  z
    .string()
    .max(32)
    .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/, "must be a duration such as 90s, 5m or 1h30m"),
  {
    cel: "duration(self) >= duration('0s')",
    message: "must be a duration of at most 292 years",
    broken: unless((text) => (parseDuration(text) ?? 0) <= LONGEST_MS),
  },
);

export const Time = z.string().max(64).meta({ format: "date-time" });

export const SecretKeyRefSchema = z.object({
  name: z.string().min(1).max(253).describe("Name of the object, in the same namespace."),
  key: z.string().min(1).max(253).describe("Key in its data."),
});
export type SecretKeyRef = z.output<typeof SecretKeyRefSchema>;

export const LocalRef = z.object({
  name: z.string().min(1).max(253).describe("Name of the object, in the same namespace."),
});

export const TokenUsageSchema = z.object({
  inputTokens: z.int().default(0).meta({ format: "int64" }).describe("Tokens sent to models."),
  outputTokens: z.int().default(0).meta({ format: "int64" }).describe("Tokens that models answered with."),
  totalTokens: z.int().default(0).meta({ format: "int64" }).describe("inputTokens + outputTokens."),
});
export type TokenUsage = z.output<typeof TokenUsageSchema>;

/** metav1.Condition. */
export const ConditionSchema = z.object({
  type: z.string().max(316).describe("What the condition speaks of, such as Ready."),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds."),
  reason: z.string().max(1024).describe("Why, in one CamelCase word."),
  message: z.string().max(32_768).describe("Why, for people."),
  lastTransitionTime: Time.describe("When status last changed."),
  observedGeneration: z
    .int()
    .min(0)
    .meta({ format: "int64" })
    .describe("metadata.generation it was found at.")
    .exactOptional(),
});
export type Condition = z.output<typeof ConditionSchema>;

/** In every status. */
export const statusBase = {
  observedGeneration: z
    .int()
    .meta({ format: "int64" })
    .describe("metadata.generation that this status reflects.")
    .exactOptional(),
  conditions: z.array(ConditionSchema).max(16).describe("What holds of the object now.").exactOptional(),
};

/** Knative's Addressable: any of its sources finds it there. */
export const addressField = (what: string) =>
  z
    .object({ url: z.string().max(2048).describe(what) })
    .describe("Where clients reach it.")
    .exactOptional();

/** metav1.ObjectMeta, as far as Ark reads it; the API server judges the rest. */
export const ObjectMetaSchema = z.looseObject({
  name: z.string().max(253).exactOptional(),
  generateName: z.string().max(253).exactOptional(),
  namespace: z.string().max(63).exactOptional(),
  uid: z.string().exactOptional(),
  resourceVersion: z.string().exactOptional(),
  generation: z.int().exactOptional(),
  creationTimestamp: z.string().exactOptional(),
  deletionTimestamp: z.string().exactOptional(),
  labels: z.record(z.string(), z.string()).exactOptional(),
  annotations: z.record(z.string(), z.string()).exactOptional(),
  finalizers: z.array(z.string()).exactOptional(),
  ownerReferences: z
    .array(
      z.looseObject({
        apiVersion: z.string(),
        kind: z.string(),
        name: z.string(),
        uid: z.string(),
        controller: z.boolean().exactOptional(),
      }),
    )
    .exactOptional(),
});
export type ObjectMeta = z.output<typeof ObjectMetaSchema>;
