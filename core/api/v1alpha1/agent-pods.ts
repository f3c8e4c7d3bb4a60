/** How many pods an agent has, what each may use, and what it may reach (api 3). */
import * as z from "zod";
import { boundedMap, has, ruled, unless, type Rule } from "../rules.ts";
import { MAX_KEY_LENGTH } from "./common.ts";

export const MAX_REPLICAS = 50;

/** core/v1 Quantity, without signs, exponents and parts below a thousandth: nobody means those of a pod. */
const QUANTITY = /^[0-9]{1,15}([.][0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/;
const MAX_QUANTITY_LENGTH = 24;
const MAX_RESOURCES = 16;

/** Text or a whole number, as Kubernetes writes quantities; `0.5` is `500m`, because no schema has floats. */
const Quantity = z
  .unknown()
  .refine(
    (value) =>
      typeof value === "string"
        ? value.length <= MAX_QUANTITY_LENGTH && QUANTITY.test(value)
        : Number.isSafeInteger(value) && Number(value) >= 0,
    { message: "must be a quantity such as 500m, 2 or 512Mi" },
  )
  .meta({
    "x-kubernetes-int-or-string": true,
    minimum: 0,
    maxLength: MAX_QUANTITY_LENGTH,
    pattern: QUANTITY.source,
  }) as unknown as z.ZodType<string | number, string | number>;

const quantities = () => boundedMap(Quantity, { keys: MAX_RESOURCES, keyLength: MAX_KEY_LENGTH });

export const ResourcesSchema = z.object({
  requests: quantities()
    .describe("What a node must have free. cpu 100m and memory 128Mi, for what neither map names.")
    .exactOptional(),
  limits: quantities()
    .describe("What it may use at most. cpu 500m and memory 512Mi, for what neither map names.")
    .exactOptional(),
});
export type Resources = z.output<typeof ResourcesSchema>;

export const AutoscalingSchema = ruled(
  z.object({
    enabled: z.boolean().default(true).describe("false: always as many instances as replicas says."),
    minReplicas: z.int32().min(0).max(MAX_REPLICAS).default(0).describe("Instances that stay while idle."),
    maxReplicas: z.int32().min(1).max(MAX_REPLICAS).describe("Most instances; replicas unless set.").exactOptional(),
    targetPendingTasks: z
      .int32()
      .min(1)
      .max(1000)
      .describe("Tasks, waiting or running, for each instance; maxConcurrentTasks unless set.")
      .exactOptional(),
  }),
  {
    cel: "!has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
    message: "minReplicas must be at most maxReplicas",
    fieldPath: ".minReplicas",
    broken: unless(({ minReplicas, maxReplicas = MAX_REPLICAS }) => minReplicas <= maxReplicas, "minReplicas"),
  },
);
export type Autoscaling = z.output<typeof AutoscalingSchema>;

export const NETWORK_POLICIES = ["default", "strict", "disabled"] as const;

type Scaled = { readonly replicas?: number; readonly autoscaling?: Autoscaling };

/** maxReplicas is replicas where it is not set; an agent that is drained, replicas 0, may keep its bounds. */
export const replicasRule: Rule<Scaled> = {
  cel:
    "!has(self.autoscaling) || has(self.autoscaling.maxReplicas) || (has(self.replicas) ?" +
    " self.replicas == 0 || self.autoscaling.minReplicas <= self.replicas : self.autoscaling.minReplicas <= 1)",
  message: "autoscaling.minReplicas must be at most replicas, where no maxReplicas is set",
  fieldPath: ".autoscaling.minReplicas",
  broken: unless(
    ({ replicas = 1, autoscaling }) =>
      autoscaling === undefined ||
      has(autoscaling, "maxReplicas") ||
      replicas === 0 ||
      autoscaling.minReplicas <= replicas,
    "autoscaling",
    "minReplicas",
  ),
};
