/** A task that a router took: the router named its run, so that taking it twice is one run (P1). */
import * as z from "zod";
import { extension, EXTENSIONS } from "#core/events/cloud-event.ts";
import { ServiceTaskSchema } from "#core/events/service-task.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { runObject } from "#core/runs/run-object.ts";
import { startRun } from "#core/runs/start-run.ts";
import { bury } from "./dead-letter.ts";
import type { DispatcherDeps } from "./deps.ts";
import { sha256 } from "./fire-key.ts";
import { traceOf } from "./trace.ts";

/** The agent need not exist yet: its task waits for it (D3). Rejects only while a store is away. */
export async function startServiceRun(
  { cloudEvent, seq }: { readonly cloudEvent: CloudEventRecord; readonly seq?: number },
  deps: DispatcherDeps,
): Promise<HandleOutcome> {
  const outcome = await start(cloudEvent, deps);
  if (seq !== undefined) await deps.outbox.confirm(seq, cloudEvent.id);
  return outcome;
}

async function start(cloudEvent: CloudEventRecord, deps: DispatcherDeps): Promise<HandleOutcome> {
  const parsed = ServiceTaskSchema.safeParse(cloudEvent.data);
  const lost = { cloudEvent, named: EXTENSIONS.service };
  if (!parsed.success) return bury({ ...lost, reason: "InvalidEvent", message: z.prettifyError(parsed.error) }, deps);
  const { namespace, run: name, agent, prompt, input, via, serviceUid } = parsed.data;
  const origin = {
    eventKey: sha256(extension(cloudEvent, EXTENSIONS.key) ?? cloudEvent.id),
    via,
    depth: 0,
    hop: 0,
    ...traceOf(cloudEvent),
  };
  const owner = { kind: "ArkService", name: via.service, uid: serviceUid } as const;
  const spec = { agent, prompt, ...(input === undefined ? {} : { input }) };
  const started = await startRun(runObject({ namespace, name }, spec, origin, owner), deps);
  if (started.kind === "started") return { kind: "done" };
  return bury({ ...lost, reason: "NameTaken", message: `another run is called ${name}` }, deps);
}
