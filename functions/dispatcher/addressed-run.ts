/**
 * An event that was sent to the address of an ArkTeam or an ArkAgent (`status.address.url`): it starts one run of it.
 *
 * A1  A run's name derives from (uid, source, id): the same event twice gives the same run (P1).
 * A2  A team or agent that is not there may come: 503, and the sender's own delivery decides for how long.
 * A3  Whoever sends it, it settles nothing in the outbox: it is not what an ArkEvent's Trigger brings.
 */
import { isJsonObject } from "#core/json.ts";
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import { inputFromBody, textsOf } from "#core/events/body-input.ts";
import { EXTENSIONS, MAX_HOPS, numberExtension } from "#core/events/cloud-event.ts";
import { runName } from "#core/events/run-names.ts";
import type { ArkRunSpec } from "#core/api/v1alpha1/ark-run.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { type Origin, runObject, snapshot } from "#core/runs/run-object.ts";
import { startRun } from "#core/runs/start-run.ts";
import { deadLetter } from "./dead-letter.ts";
import type { DispatcherDeps } from "./deps.ts";
import { eventDigest, sha256 } from "./fire-key.ts";
import { traceOf } from "./trace.ts";

export type Address = { readonly namespace: string; readonly kind: "ArkTeam" | "ArkAgent"; readonly name: string };

const AGAIN_MS = 5_000;
const KINDS: ReadonlyMap<string | undefined, Address["kind"]> = new Map([
  ["arkteam", "ArkTeam"],
  ["arkagent", "ArkAgent"],
]);

/** Undefined: the path names no address. */
export function addressOf(params: Readonly<Record<string, string>>): Address | undefined {
  const { namespace = "", name = "" } = params;
  const kind = KINDS.get(params["kind"]);
  return kind !== undefined && DNS_LABEL.test(namespace) && DNS_LABEL.test(name)
    ? { namespace, kind, name }
    : undefined;
}

/** Rejects only while a store is away. */
export async function startAddressed(
  address: Address,
  cloudEvent: CloudEventRecord,
  deps: DispatcherDeps,
): Promise<HandleOutcome> {
  const { namespace, kind, name } = address;
  const before = numberExtension(cloudEvent, EXTENSIONS.hop);
  const hop = before === undefined ? 0 : before + 1;
  if (hop > MAX_HOPS)
    return bury(address, cloudEvent, { reason: "HopLimit", message: `${hop} runs started one another` }, deps);
  const asked = await askedOf(address, cloudEvent, deps);
  if (asked.kind === "missing")
    return { kind: "retry", afterMs: AGAIN_MS, reason: `${kind} ${namespace}/${name} does not exist` };
  if (asked.kind === "refused") return bury(address, cloudEvent, asked, deps);
  const origin: Origin = { eventKey: eventDigest(cloudEvent), depth: 0, hop, ...traceOf(cloudEvent) };
  const run = runName(name, asked.uid, `${cloudEvent.source}\n${cloudEvent.id}`, 0, sha256);
  const started = await startRun(
    runObject({ namespace, name: run }, asked.spec, origin, { kind, name, uid: asked.uid }),
    deps,
  );
  if (started.kind === "started") return { kind: "done" };
  return bury(address, cloudEvent, { reason: "NameTaken", message: `another run is called ${run}` }, deps);
}

type Asked =
  | { readonly kind: "asked"; readonly uid: string; readonly spec: ArkRunSpec }
  | { readonly kind: "refused"; readonly reason: string; readonly message: string }
  | { readonly kind: "missing" };

async function askedOf(
  { namespace, kind, name }: Address,
  event: CloudEventRecord,
  deps: DispatcherDeps,
): Promise<Asked> {
  if (kind === "ArkAgent") {
    const agent = await deps.objects.get("ArkAgent", { namespace, name });
    return agent === undefined ? { kind: "missing" } : askAgent(name, agent.metadata.uid ?? "", event.data);
  }
  const team = await deps.objects.get("ArkTeam", { namespace, name });
  if (team === undefined) return { kind: "missing" };
  const { input: defaults = {}, inputs = [] } = team.spec;
  const given = inputFromBody(event.data, { inputs, defaults: Object.keys(defaults) });
  return { kind: "asked", uid: team.metadata.uid ?? "", spec: snapshot(team, { ...defaults, ...given }) };
}

/** The data's `prompt`, with its `input` beside it; else all of the data as text. */
function askAgent(agent: string, uid: string, data: unknown): Asked {
  const { prompt, input } = isJsonObject(data) ? data : {};
  const isTask = typeof prompt === "string" && prompt.trim() !== "";
  const text = isTask ? prompt : textOf(data);
  if (text === undefined)
    return { kind: "refused", reason: "NoPrompt", message: "the event has no data, so there is no task" };
  const values = isTask && isJsonObject(input) ? textsOf(input) : {};
  const given = Object.keys(values).length === 0 ? {} : { input: values };
  return { kind: "asked", uid, spec: { agent, prompt: text, ...given } };
}

function textOf(data: unknown): string | undefined {
  if (data === undefined || data === null || data === "") return undefined;
  return typeof data === "string" ? data : JSON.stringify(data);
}

async function bury(
  { namespace, name }: Address,
  cloudEvent: CloudEventRecord,
  { reason, message }: { readonly reason: string; readonly message: string },
  deps: DispatcherDeps,
): Promise<HandleOutcome> {
  const id = `${namespace}/${name}/${eventDigest(cloudEvent)}/${reason}`;
  await deadLetter({ namespace, name, reason, message, cloudEvent, id }, deps);
  return { kind: "dead", code: reason, reason: message };
}
