/** A nested team's run, asked for by its parent's engine: the parent named it, so asking twice is one run. */
import * as z from "zod";
import { EXTENSIONS } from "#core/events/cloud-event.ts";
import type { ParentRef } from "#core/events/facts.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { bury } from "./dead-letter.ts";
import type { DispatcherDeps } from "./deps.ts";
import { ParentRefSchema } from "#core/runs/parent-ref.ts";
import { runObject, snapshot } from "#core/runs/run-object.ts";
import { startRun } from "#core/runs/start-run.ts";
import { traceOf } from "./trace.ts";

const Request = z.object({
  run: z.string(),
  team: z.string(),
  input: z.record(z.string(), z.string()).default({}),
  parent: ParentRefSchema,
  depth: z.int().min(1),
  hop: z.int().min(0),
});
type Request = z.output<typeof Request>;

export type ChildRequest = { readonly cloudEvent: CloudEventRecord; readonly seq?: number; readonly lastTry: boolean };

/** Rings of teams are refused at validation; this ends one that came about since. */
const MAX_DEPTH = 16;
const AGAIN_MS = 5_000;

/** Rejects only while a store is away. */
export async function startChild(input: ChildRequest, deps: DispatcherDeps): Promise<HandleOutcome> {
  const outcome = await start(input, deps);
  if (outcome.kind !== "retry" && input.seq !== undefined) await deps.outbox.confirm(input.seq, input.cloudEvent.id);
  return outcome;
}

async function start({ cloudEvent, lastTry }: ChildRequest, deps: DispatcherDeps): Promise<HandleOutcome> {
  const parsed = Request.safeParse(cloudEvent.data);
  if (!parsed.success) {
    const message = z.prettifyError(parsed.error);
    return bury({ cloudEvent, named: EXTENSIONS.run, reason: "InvalidEvent", message }, deps);
  }
  const request = parsed.data;
  const { parent, depth, hop } = request;
  if (depth > MAX_DEPTH) return fail(request, cloudEvent, "DepthLimit", `teams are nested ${depth} deep`, deps);
  const key = { namespace: parent.namespace, name: request.run };
  const team = await deps.objects.get("ArkTeam", { namespace: parent.namespace, name: request.team });
  if (team === undefined) {
    const reason = `team ${request.team} does not exist`;
    if (!lastTry) return { kind: "retry", afterMs: AGAIN_MS, reason };
    return fail(request, cloudEvent, "TeamNotFound", reason, deps);
  }
  const spec = snapshot(team, { ...team.spec.input, ...request.input });
  const owner = { kind: "ArkRun", name: parent.run, uid: parent.uid } as const;
  const origin = { parent, depth, hop, ...traceOf(cloudEvent) };
  const started = await startRun(runObject(key, spec, origin, owner), deps);
  if (started.kind === "started") return { kind: "done" };
  return fail(request, cloudEvent, "NameTaken", `another run is called ${request.run}`, deps);
}

/** The parent's step would wait for ever: it is told (P4). */
async function fail(
  { parent }: Request,
  cloudEvent: CloudEventRecord,
  reason: string,
  message: string,
  deps: DispatcherDeps,
): Promise<HandleOutcome> {
  const { step, iteration, attempt, namespace, run, uid }: ParentRef = parent;
  await deps.facts.publish(
    { namespace, run, uid },
    {
      kind: "step.finished",
      at: deps.now(),
      step,
      iteration,
      attempt,
      outcome: { kind: "failed", code: reason, message, mayPass: false },
    },
  );
  return bury({ cloudEvent, named: EXTENSIONS.run, reason, message }, deps);
}
