/**
 * An ArkAgent with everything it refers to put in: prompt, settings, headers, provider.
 * A reference that cannot be resolved is a reason for a condition, never an empty text (D49).
 */
import type { ArkAgent, ArkAgentSpec } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkSettingsSpec } from "#core/api/v1alpha1/ark-settings.ts";
import type { SecretKeyRef } from "#core/api/v1alpha1/common.ts";
import { mcpServer, webhookTool } from "./resolve-tools.ts";
import type { AgentLimits, Fragments, ResolvedAgent } from "./task.ts";
import { type Lookups, Unresolved, type UnresolvedReason } from "./unresolved.ts";

export type ResolveOutcome =
  | { readonly kind: "resolved"; readonly agent: ResolvedAgent }
  | { readonly kind: "unresolved"; readonly reason: UnresolvedReason; readonly message: string };

const LIMITS: AgentLimits = {
  maxTokensPerCall: 8000,
  maxConcurrentTasks: 5,
  timeoutMs: 120_000,
  retries: 3,
  maxTurns: 50,
};

/** Never throws. */
export function resolveAgent(agent: ArkAgent, lookups: Lookups): ResolveOutcome {
  try {
    return { kind: "resolved", agent: resolve(agent, lookups) };
  } catch (error) {
    if (error instanceof Unresolved) return { kind: "unresolved", reason: error.reason, message: error.message };
    throw error;
  }
}

function resolve(agent: ArkAgent, given: Lookups): ResolvedAgent {
  const { spec } = agent;
  const secrets = new Set<string>();
  const lookups: Lookups = { ...given, secretKey: (name, key) => noted(given.secretKey(name, key), secrets) };
  const settings = settingsOf(spec, lookups);
  const choice = lookups.providerFor(spec.model);
  if (choice.kind === "unknown") throw new Unresolved(choice.code ?? "UnknownModel", choice.reason);
  const temperature = newest(settings, (one) => one.temperature);
  const outputFormat = newest(settings, (one) => one.outputFormat);
  return {
    namespace: agent.metadata.namespace ?? "default",
    name: agent.metadata.name ?? "",
    ...(agent.metadata.uid !== undefined && { uid: agent.metadata.uid }),
    model: spec.model,
    provider: choice.provider,
    systemPrompt: promptOf(spec, given),
    ...(temperature !== undefined && { temperature: Number(temperature) }),
    ...(outputFormat !== undefined && { outputFormat }),
    fragments: fragmentsOf(settings),
    mcpServers: (spec.mcpServers ?? []).map((server) => mcpServer(server, settings, lookups)),
    tools: (spec.tools ?? []).map((tool) => webhookTool(tool, lookups)),
    limits: limitsOf(spec),
    // Read last: the lines above look the values up.
    secrets: [...secrets],
    ...probeOf(spec),
  };
}

function noted(value: string | undefined, secrets: Set<string>): string | undefined {
  if (value !== undefined) secrets.add(value.trim());
  return value;
}

function probeOf({ livenessProbe: probe }: ArkAgentSpec): Pick<ResolvedAgent, "probe"> {
  if (probe?.validatorPrompt === undefined || probe.type === "ping") return {};
  return { probe: { validatorPrompt: probe.validatorPrompt, intervalMs: probe.intervalSeconds * 1000 } };
}

function settingsOf(spec: ArkAgentSpec, lookups: Lookups): readonly ArkSettingsSpec[] {
  const refs = spec.settingsRefs ?? (spec.configRef === undefined ? [] : [spec.configRef]);
  return refs.map(({ name }) => {
    const found = lookups.settings(name);
    if (found === undefined) throw new Unresolved("SettingsNotFound", `ArkSettings "${name}" does not exist`);
    return found;
  });
}

function promptOf(spec: ArkAgentSpec, lookups: Lookups): string {
  if (spec.systemPrompt !== undefined) return spec.systemPrompt;
  const { configMapKeyRef, secretKeyRef } = spec.systemPromptRef ?? {};
  if (configMapKeyRef !== undefined) {
    const text = lookups.configMapKey(configMapKeyRef.name, configMapKeyRef.key);
    return text ?? missingPrompt("ConfigMap", configMapKeyRef);
  }
  if (secretKeyRef !== undefined) {
    const text = lookups.secretKey(secretKeyRef.name, secretKeyRef.key);
    return text ?? missingPrompt("Secret", secretKeyRef);
  }
  throw new Unresolved("InvalidSpec", "neither systemPrompt nor systemPromptRef is set");
}

function missingPrompt(kind: string, ref: SecretKeyRef): never {
  throw new Unresolved("PromptResolutionError", `systemPromptRef: ${kind} "${ref.name}" has no key "${ref.key}"`);
}

function newest<T>(settings: readonly ArkSettingsSpec[], read: (one: ArkSettingsSpec) => T | undefined): T | undefined {
  return settings.map(read).findLast((value) => value !== undefined);
}

/** Around the agent's own prompt: prepended fragments and `persona` before, the others and `outputRules` after (api 6, 11). */
function fragmentsOf(settings: readonly ArkSettingsSpec[]): Fragments {
  const before: string[] = [];
  const after: string[] = [];
  const last: string[] = [];
  for (const { promptFragments = {}, fragments = [] } of settings) {
    const { persona, outputRules, ...others } = promptFragments;
    before.push(...fragments.filter((one) => one.position === "prepend").map((one) => one.text));
    if (persona !== undefined) before.push(persona);
    after.push(...fragments.filter((one) => one.position === "append").map((one) => one.text));
    after.push(
      ...Object.keys(others)
        .toSorted()
        .map((key) => others[key] ?? ""),
    );
    if (outputRules !== undefined) last.push(outputRules);
  }
  return { before, after: [...after, ...last] };
}

function limitsOf(spec: ArkAgentSpec): AgentLimits {
  const { timeoutSeconds, ...limits } = spec.limits ?? {};
  return { ...LIMITS, ...limits, ...(timeoutSeconds !== undefined && { timeoutMs: timeoutSeconds * 1000 }) };
}
