/** ArkSettings: shared model settings and prompt parts (api 6). */
import * as z from "zod";
import { atMostOne, boundedMap, ruled, uniqueNames } from "../rules.ts";
import { API_VERSION, MAX_KEY_LENGTH, ObjectMetaSchema, statusBase } from "./common.ts";

const FragmentSchema = z.object({
  name: z.string().min(1).max(63).describe("Name of the fragment."),
  text: z.string().min(1).max(65_536).describe("The text."),
  position: z.enum(["append", "prepend"]).default("append").describe("Before or after the agent's own prompt."),
});

export const ArkSettingsSpecSchema = ruled(
  z.object({
    temperature: z
      .string()
      .max(16)
      .regex(/^(0(\.[0-9]+)?|1(\.0+)?)$/, 'must be a decimal string from "0" to "1"')
      .describe('Decimal string from "0" to "1"; left out for models that refuse it.')
      .exactOptional(),
    outputFormat: z
      .enum(["structured-json", "markdown", "plain"])
      .describe("Adds one fixed sentence to the system prompt; structured-json also asks the provider for JSON.")
      .exactOptional(),
    promptFragments: boundedMap(z.string().max(65_536), { keys: 32, keyLength: MAX_KEY_LENGTH })
      .describe("Parts of the system prompt: persona first, other keys by name, outputRules last.")
      .exactOptional(),
    fragments: uniqueNames(z.array(FragmentSchema).max(32))
      .describe("Parts of the system prompt in order, around the agent's own.")
      .exactOptional(),
    security: z
      .object({
        mcpAllowlist: z
          .array(z.string().min(1).max(2048))
          .max(64)
          .describe("URL prefixes of the MCP servers that agents may use.")
          .exactOptional(),
        requireMCPAuth: z.boolean().default(false).describe("Refuses MCP servers without auth: bearer or mtls."),
      })
      .describe("Checked when an agent is reconciled, and again before each dial.")
      .exactOptional(),
  }),
  atMostOne("promptFragments", "fragments", "promptFragments and fragments exclude each other"),
);
export type ArkSettingsSpec = z.output<typeof ArkSettingsSpecSchema>;

export const ArkSettingsStatusSchema = z.object({ ...statusBase });
export type ArkSettingsStatus = z.output<typeof ArkSettingsStatusSchema>;

export const ArkSettingsSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkSettings"),
  metadata: ObjectMetaSchema,
  spec: ArkSettingsSpecSchema.describe("What agents that refer to it take over."),
  status: ArkSettingsStatusSchema.describe("Whether the settings are accepted.").exactOptional(),
});
export type ArkSettings = z.output<typeof ArkSettingsSchema>;
