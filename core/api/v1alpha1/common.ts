/** Schemas that several kinds share. Bounds exist so that the API server can estimate the cost of CEL rules. */
import * as z from "zod";

export const API_GROUP = "arkonis.dev";
export const API_VERSION = `${API_GROUP}/v1alpha1` as const;

/** RFC 1123 label. Stream subjects and child names are made of it, so object names stop at 40 characters (api, "Names"). */
export const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const MAX_NAME = 40;

export function dnsLabel(max: number = MAX_NAME): z.ZodString {
  return z.string().min(1).max(max).regex(DNS_LABEL, "must be a DNS label: lower-case letters, digits and dashes");
}

/** Templates are Go text/template; the limit on their source is 64 KiB (api 12). */
export function template(): z.ZodString {
  return z.string().max(65_536);
}

export function templateMap(): z.ZodRecord<z.ZodString, z.ZodString> {
  return z.record(z.string().max(63), template());
}

/** A Go duration, e.g. `90s`, `1h30m`. */
export const Duration = z
  .string()
  .max(32)
  .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/, "must be a duration such as 90s, 5m or 1h30m");

export const Time = z.string().max(64).meta({ format: "date-time" });

export const SecretKeyRefSchema = z.object({ name: z.string().min(1).max(253), key: z.string().min(1).max(253) });
export type SecretKeyRef = z.output<typeof SecretKeyRefSchema>;

export const LocalRef = z.object({ name: z.string().min(1).max(253) });

export const TokenUsageSchema = z.object({
  inputTokens: z.int().default(0).meta({ format: "int64" }),
  outputTokens: z.int().default(0).meta({ format: "int64" }),
  totalTokens: z.int().default(0).meta({ format: "int64" }),
});
export type TokenUsage = z.output<typeof TokenUsageSchema>;

/** metav1.Condition. */
export const ConditionSchema = z.object({
  type: z.string().max(316),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string().max(1024),
  message: z.string().max(32_768),
  lastTransitionTime: Time,
  observedGeneration: z.int().min(0).meta({ format: "int64" }).exactOptional(),
});
export type Condition = z.output<typeof ConditionSchema>;

/** In every status. */
export const statusBase = {
  observedGeneration: z.int().meta({ format: "int64" }).exactOptional(),
  conditions: z.array(ConditionSchema).max(16).exactOptional(),
};

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
