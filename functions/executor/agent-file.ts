/**
 * The agent this process is, from its file: the ArkAgent and the ArkSettings it names, as the operator or the user
 * wrote them. What they refer to is read from mounted files, so no secret is in an environment or a command line (D29).
 */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as z from "zod";
import { chooseProvider, type Providers } from "#core/agent/provider.ts";
import type { ProviderChoice } from "#core/agent/ports.ts";
import { resolveAgent } from "#core/agent/resolve.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import { ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import { ArkSettingsSchema } from "#core/api/v1alpha1/ark-settings.ts";
import { ArkError } from "#core/errors.ts";

const AgentFile = z.object({ agent: ArkAgentSchema, settings: z.array(ArkSettingsSchema).default([]) });

export type AgentFileOptions = {
  readonly file: string;
  readonly configMapsDir: string;
  readonly secretsDir: string;
  readonly providers: Providers;
};

export type LoadedAgent = {
  readonly agent: ResolvedAgent;
  readonly providerFor: (model: string) => ProviderChoice;
};

/** Throws ArkError `manifest.invalid`: an agent that cannot be resolved does not start (D49). */
export function readAgentFile(options: AgentFileOptions): LoadedAgent {
  const { agent, settings } = parse(options.file);
  const providerFor = (model: string): ProviderChoice => chooseProvider(model, options.providers);
  const outcome = resolveAgent(agent, {
    configMapKey: (name, key) => mounted(options.configMapsDir, name, key),
    secretKey: (name, key) => mounted(options.secretsDir, name, key),
    settings: (name) => settings.find(({ metadata }) => metadata.name === name)?.spec,
    providerFor,
    allowStdio: false,
  });
  if (outcome.kind === "resolved") return { agent: outcome.agent, providerFor };
  throw new ArkError(
    "manifest.invalid",
    `agent ${agent.metadata.name ?? ""}: ${outcome.reason}: ${outcome.message}`,
    "Correct the ArkAgent or what it refers to.",
  );
}

function parse(file: string): z.output<typeof AgentFile> {
  const parsed = AgentFile.safeParse(readJson(file));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path: at, message }) => `${at.join(".")}: ${message}`).join("; ");
  throw new ArkError("manifest.invalid", `${file}: ${faults}`, "Write the agent's file anew.");
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ArkError("manifest.not_found", `${file}: ${why}`, "Check ARK_AGENT_CONFIG.", { cause: error });
  }
}

/** Keys of ConfigMaps and Secrets are file names: nothing that leaves the folder. */
const FILE_NAME = /^(?!\.{1,2}$)[-._a-zA-Z0-9]+$/;

function mounted(dir: string, name: string, key: string): string | undefined {
  if (!FILE_NAME.test(name) || !FILE_NAME.test(key)) return undefined;
  try {
    return readFileSync(path.join(dir, name, key), "utf8");
  } catch {
    return undefined;
  }
}
