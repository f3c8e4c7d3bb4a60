/** ArkService: a door for tasks from outside, to the ready instances of one agent (api 5). */
import * as z from "zod";
import { ruled, type Rule } from "../rules.ts";
import { API_VERSION, dnsLabel, ObjectMetaSchema, statusBase } from "./common.ts";

export const STRATEGIES = ["round-robin", "least-busy", "random"] as const;

const PortSchema = z.object({
  protocol: z.enum(["HTTP", "A2A"]).describe("What is spoken there: Ark's own HTTP API, or Agent2Agent."),
  port: z
    .int32()
    .min(1)
    .max(65_535)
    .describe(
      "Opened at the front door, Service ark-operator, and on one machine by `ark up`. One number has one service: the older one. All protocols are at status.address.url too.",
    ),
});
type Port = z.output<typeof PortSchema>;

/** There are two protocols, so a list that passes its bounds has at most two entries. */
function unique(field: keyof Port): Rule<readonly Port[]> {
  return {
    cel: `self.size() < 2 || self[0].${field} != self[1].${field}`,
    message: `ports must differ in ${field}`,
    broken: (ports) =>
      ports.flatMap((port, i) => (ports.findIndex((one) => one[field] === port[field]) < i ? [[i, field]] : [])),
  };
}

export const ArkServiceSpecSchema = z.object({
  selector: z
    .object({ arkAgent: dnsLabel().describe("The ArkAgent that answers, in the same namespace.") })
    .describe("Who takes the tasks."),
  routing: z
    .object({
      strategy: z
        .enum(STRATEGIES)
        .default("round-robin")
        .describe("Which ready instance a task is meant for: in turn, with the fewest tasks, or any."),
    })
    .describe("How a task finds its instance.")
    .prefault({}),
  ports: ruled(z.array(PortSchema).min(1).max(2), unique("protocol"), unique("port")).describe(
    "Protocols that are served; each at most once.",
  ),
});
export type ArkServiceSpec = z.output<typeof ArkServiceSpecSchema>;
export type Strategy = ArkServiceSpec["routing"]["strategy"];

export const ArkServiceStatusSchema = z.object({
  ...statusBase,
  readyReplicas: z.int32().describe("Instances of the agent that take tasks now; 0 while it sleeps.").exactOptional(),
  address: z
    .object({ url: z.string().max(2048).describe("Where tasks are posted.") })
    .describe("Where clients reach the service.")
    .exactOptional(),
});
export type ArkServiceStatus = z.output<typeof ArkServiceStatusSchema>;

export const ArkServiceSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkService"),
  metadata: ObjectMetaSchema,
  spec: ArkServiceSpecSchema.describe("Which agent, how, and at which ports."),
  status: ArkServiceStatusSchema.describe("What the service can do; written by the operator.").exactOptional(),
});
export type ArkService = z.output<typeof ArkServiceSchema>;
