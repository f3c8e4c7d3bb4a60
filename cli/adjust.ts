/** `ark run --model`, `--max-tokens`, `--no-mcp`: what differs from the manifests in this one run. Pure. */
import type { ArkObject } from "#core/api/objects.ts";
import type { ArkTeam, Role, Step } from "#core/api/v1alpha1/ark-team.ts";
import { usage } from "./options.ts";

export type AdjustOptions = {
  readonly model?: string;
  readonly maxTokens?: string;
  /** False: agents get no MCP server. */
  readonly mcp?: boolean;
};
export type Adjust = (object: ArkObject) => ArkObject;

/** Undefined when the manifests are taken as they stand. `team` is the one that runs: its budget covers nested ones. */
export function adjustment(options: AdjustOptions, team: string): Adjust | undefined {
  const { model, mcp = true } = options;
  const maxTokens = options.maxTokens === undefined ? undefined : tokensOption(options.maxTokens);
  if (model === "") throw usage("--model is empty", "Give the name of a model, such as gpt-4o-mini.");
  if (model === undefined && maxTokens === undefined && mcp) return undefined;
  return (object) => {
    if (object.kind === "ArkAgent") return { ...object, spec: agentOf(object.spec, model, mcp) };
    if (object.kind !== "ArkTeam") return object;
    const changed = teamOf(object, model, mcp);
    if (maxTokens === undefined || object.metadata.name !== team) return changed;
    return { ...changed, spec: { ...changed.spec, maxTokens } };
  };
}

function tokensOption(text: string): number {
  const tokens = Number(text);
  if (Number.isSafeInteger(tokens) && tokens > 0) return tokens;
  throw usage(`--max-tokens is ${JSON.stringify(text)}`, "Give a whole number above 0.");
}

type Asking = { readonly model?: string; readonly mcpServers?: readonly unknown[] };

/** A role that refers to an agent or a team has neither model nor servers of its own. */
function agentOf<T extends Asking>(spec: T, model: string | undefined, mcp: boolean): T {
  const asked = model === undefined || spec.model === undefined ? spec : { ...spec, model };
  if (mcp || asked.mcpServers === undefined) return asked;
  const { mcpServers: _, ...rest } = asked;
  return rest as T;
}

function teamOf(team: ArkTeam, model: string | undefined, mcp: boolean): ArkTeam {
  const roles = team.spec.roles.map((role): Role => agentOf(role, model, mcp));
  const pipeline = model === undefined ? team.spec.pipeline : team.spec.pipeline.map((step) => judgedBy(step, model));
  return { ...team, spec: { ...team.spec, roles, pipeline } };
}

/** Checks and compressions ask a model too. */
function judgedBy(step: Step, model: string): Step {
  const { validate, contextPolicy } = step;
  const judge = validate?.semanticModel === undefined ? {} : { validate: { ...validate, semanticModel: model } };
  const compress =
    contextPolicy?.compress?.model === undefined
      ? {}
      : { contextPolicy: { ...contextPolicy, compress: { ...contextPolicy.compress, model } } };
  return { ...step, ...judge, ...compress };
}
