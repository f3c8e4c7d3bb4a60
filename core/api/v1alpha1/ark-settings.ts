/** ArkSettings: shared model settings and prompt parts (api 6). */
import * as z from "zod";
import { API_VERSION, ObjectMetaSchema, statusBase } from "./common.ts";

export const ArkSettingsSpecSchema = z.object({
  temperature: z
    .string()
    .max(16)
    .regex(/^(0(\.[0-9]+)?|1(\.0+)?)$/, 'must be a decimal string from "0" to "1"')
    .exactOptional(),
  outputFormat: z.enum(["structured-json", "markdown", "plain"]).exactOptional(),
  promptFragments: z.record(z.string().max(63), z.string().max(65_536)).exactOptional(),
  fragments: z
    .array(
      z.object({
        name: z.string().min(1).max(63),
        text: z.string().min(1).max(65_536),
        position: z.enum(["append", "prepend"]).default("append"),
      }),
    )
    .max(32)
    .exactOptional(),
  security: z
    .object({
      mcpAllowlist: z.array(z.string().min(1).max(2048)).max(64).exactOptional(),
      requireMCPAuth: z.boolean().default(false),
    })
    .exactOptional(),
});
export type ArkSettingsSpec = z.output<typeof ArkSettingsSpecSchema>;

export const ArkSettingsStatusSchema = z.object({ ...statusBase });
export type ArkSettingsStatus = z.output<typeof ArkSettingsStatusSchema>;

export const ArkSettingsSchema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("ArkSettings"),
  metadata: ObjectMetaSchema,
  spec: ArkSettingsSpecSchema,
  status: ArkSettingsStatusSchema.exactOptional(),
});
export type ArkSettings = z.output<typeof ArkSettingsSchema>;
