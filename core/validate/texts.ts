/** Patterns and JSON Schemas inside agents and steps, compiled by the very code that will use them. */
import { pathText, type Fault } from "#core/api/fault.ts";
import type { ArkAgentSpec, OutputSchema } from "#core/api/v1alpha1/ark-agent.ts";
import type { Role, Step } from "#core/api/v1alpha1/ark-team.ts";
import { compilePattern } from "#core/agent/pattern.ts";
import { compileSchema } from "#core/agent/schema-check.ts";
import { parseJsonPath } from "#core/agent/json-path.ts";

export type Findings = { readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] };
export const NONE: Findings = { faults: [], warnings: [] };

type Place = readonly PropertyKey[];

/** Prompts above this are accepted, and slow and dear (api 3). */
const LONG_PROMPT_BYTES = 50 * 1024;
const ENCODER = new TextEncoder();

function found(faults: readonly (Fault | undefined)[], warnings: readonly (Fault | undefined)[] = []): Findings {
  return { faults: faults.filter((one) => one !== undefined), warnings: warnings.filter((one) => one !== undefined) };
}

function merged(parts: readonly Findings[]): Findings {
  return { faults: parts.flatMap(({ faults }) => faults), warnings: parts.flatMap(({ warnings }) => warnings) };
}

async function patternFault(source: string | undefined, place: Place): Promise<Fault | undefined> {
  if (source === undefined) return undefined;
  const outcome = await compilePattern(source);
  return outcome.kind === "bad" ? { path: pathText(place), message: outcome.reason } : undefined;
}

async function schemaFault(schema: OutputSchema | undefined, place: Place): Promise<Fault | undefined> {
  if (schema === undefined) return undefined;
  const outcome = await compileSchema(schema);
  return outcome.kind === "bad" ? { path: pathText(place), message: outcome.reason } : undefined;
}

/** Said of what a cluster refuses and this machine does: no news to who works on one machine. */
export const LOCAL_ONLY = "stdio: works in local mode only";

type AgentTexts = Pick<ArkAgentSpec, "systemPrompt" | "tools" | "mcpServers" | "resources"> &
  Partial<Pick<ArkAgentSpec, "networkPolicy">>;

function promptWarning(prompt: string | undefined, place: Place): Fault | undefined {
  const bytes = prompt === undefined ? 0 : ENCODER.encode(prompt).length;
  if (bytes <= LONG_PROMPT_BYTES) return undefined;
  return {
    path: pathText(place),
    message: `has ${bytes} bytes, which every call pays for`,
    hint: "above 50 KiB, shorten it",
  };
}

/** One machine has one process for all agents: what bounds a pod bounds nothing there. */
function clusterOnly({ resources, networkPolicy }: AgentTexts, place: Place): Fault[] {
  const message = "works on a cluster only: local mode neither bounds nor confines an agent";
  return [
    ...(resources === undefined ? [] : [{ path: pathText([...place, "resources"]), message }]),
    ...(networkPolicy === "strict" ? [{ path: pathText([...place, "networkPolicy"]), message }] : []),
  ];
}

/** An agent, or the inline fields of a role. */
export async function agentTexts(spec: AgentTexts, place: Place): Promise<Findings> {
  const tools = spec.tools ?? [];
  const faults = await Promise.all(
    tools.map(({ inputSchema }, i) => schemaFault(inputSchema, [...place, "tools", i, "inputSchema"])),
  );
  const stdio = (spec.mcpServers ?? []).map(({ url }, i): Fault | undefined =>
    url.startsWith("stdio:") ? { path: pathText([...place, "mcpServers", i, "url"]), message: LOCAL_ONLY } : undefined,
  );
  const prompt = promptWarning(spec.systemPrompt, [...place, "systemPrompt"]);
  return found(faults, [prompt, ...stdio, ...clusterOnly(spec, place)]);
}

export async function roleTexts(roles: readonly Role[]): Promise<Findings> {
  return merged(await Promise.all(roles.map((role, i) => agentTexts(role, ["spec", "roles", i]))));
}

/** A JSON path counts on JSON, a pattern on everything else: what is a path need not be a pattern. */
async function extractFault(path: string | undefined, place: Place): Promise<Fault | undefined> {
  return path === undefined || parseJsonPath(path) !== undefined ? undefined : patternFault(path, place);
}

async function oneStep(step: Step, place: Place): Promise<readonly (Fault | undefined)[]> {
  const { outputSchema, validate, contextPolicy } = step;
  const checks = [...place, "validate"];
  return Promise.all([
    schemaFault(outputSchema, [...place, "outputSchema"]),
    schemaFault(validate?.schema, [...checks, "schema"]),
    patternFault(validate?.contains, [...checks, "contains"]),
    extractFault(contextPolicy?.extract?.path, [...place, "contextPolicy", "extract", "path"]),
    ...(validate?.rejectPatterns ?? []).map((source, k) => patternFault(source, [...checks, "rejectPatterns", k])),
  ]);
}

type Steps = {
  readonly pipeline: readonly Step[];
  readonly defaultContextPolicy?: Step["contextPolicy"];
};

export async function stepTexts({ pipeline, defaultContextPolicy }: Steps): Promise<Findings> {
  const bySteps = await Promise.all(pipeline.map((step, i) => oneStep(step, ["spec", "pipeline", i])));
  const preset = await extractFault(defaultContextPolicy?.extract?.path, [
    "spec",
    "defaultContextPolicy",
    "extract",
    "path",
  ]);
  return found([...bySteps.flat(), preset], pipeline.flatMap(orderWarning));
}

/** An API server sorts the keys of maps, so the prompt's fields may stand in another order there (api 11). */
function orderWarning(step: Step, i: number): Fault[] {
  const keys = Object.keys(step.inputs ?? {});
  const named = step.inputOrder ?? [];
  const rest = keys.filter((key) => !named.includes(key));
  const sorted = rest.toSorted();
  if (rest.every((key, k) => key === sorted[k])) return [];
  return [
    {
      path: pathText(["spec", "pipeline", i, "inputs"]),
      message: `the prompt's fields stand in written order here and by name on a cluster: ${sorted.join(", ")}`,
      hint: `inputOrder: [${[...named, ...rest].join(", ")}] says the order everywhere`,
    },
  ];
}
