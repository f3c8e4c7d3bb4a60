/**
 * Takes a task: it becomes a run of the service's agent, meant for one instance.
 *
 * K1  A task is taken once its event is in the outbox (P1); the same key and body give the same run.
 * K2  A ready instance is chosen; where none is, one is woken, and the task waits in the agent's queue.
 */
import { createHash } from "node:crypto";
import { runName } from "#core/events/run-names.ts";
import { serviceTaskEvent } from "#core/events/service-task.ts";
import type { Remembered } from "#core/ports/events.ts";
import type { ServiceRecord } from "#core/ports/services.ts";
import type { Balance } from "./balance.ts";
import type { RouterDeps } from "./deps.ts";
import type { GivenTask } from "./read-task.ts";

export type TakeOptions = {
  /** What the client calls this task; absent: every request is a task of its own. */
  readonly name?: string;
  readonly traceparent?: string;
};

export type Taken =
  /** `awake`: somebody was ready for it. */
  | { readonly kind: "taken"; readonly run: string; readonly awake: boolean; readonly replayed: boolean }
  | { readonly kind: "mismatch" };

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

export async function take(
  service: ServiceRecord,
  task: GivenTask,
  options: TakeOptions,
  deps: RouterDeps,
  balance: Balance,
): Promise<Taken> {
  const key = sha256(`${service.uid}\n${options.name ?? `once\n${deps.newId()}`}`);
  const run = runName(service.agent, service.uid, key, 0, sha256);
  const fresh: Remembered = {
    bodyDigest: `sha256:${sha256(JSON.stringify(task))}`,
    firedAt: deps.now(),
    runs: [run],
    stored: false,
  };
  if (options.name === undefined) {
    const awake = await store({ service, task, key, run, at: fresh.firedAt, options }, deps, balance);
    return { kind: "taken", run, awake, replayed: false };
  }
  const id = `${service.namespace}.${service.name}.service.${key}`;
  const claimed = await deps.idempotency.claim(id, fresh);
  const { bodyDigest, firedAt, stored } = claimed.kind === "known" ? claimed.value : fresh;
  if (bodyDigest !== fresh.bodyDigest) return { kind: "mismatch" };
  const replayed = claimed.kind === "known";
  if (stored) return { kind: "taken", run, awake: true, replayed };
  const awake = await store({ service, task, key, run, at: firedAt, options }, deps, balance);
  await deps.idempotency.markStored(id, { ...fresh, firedAt, stored: true });
  return { kind: "taken", run, awake, replayed };
}

type Storing = {
  readonly service: ServiceRecord;
  readonly task: GivenTask;
  readonly key: string;
  readonly run: string;
  readonly at: number;
  readonly options: TakeOptions;
};

/** K1. True where somebody was ready for it. */
async function store(
  { service, task, key, run, at, options }: Storing,
  deps: RouterDeps,
  balance: Balance,
): Promise<boolean> {
  const instance = await meantFor(service, run, deps, balance);
  const { namespace, agent, uid: serviceUid } = service;
  const { prompt, input, session } = task;
  const via = {
    service: service.name,
    ...(instance !== undefined && { instance }),
    ...(session !== undefined && { session }),
  };
  const asked = { namespace, run, agent, prompt, via, serviceUid, ...(input !== undefined && { input: { ...input } }) };
  const event = serviceTaskEvent(asked, key, at, options.traceparent);
  await Promise.all([deps.outbox.publish(event, serviceUid), remember(service, run, deps)]);
  return instance !== undefined;
}

/** K2. */
async function meantFor(
  service: ServiceRecord,
  run: string,
  deps: RouterDeps,
  balance: Balance,
): Promise<string | undefined> {
  const { namespace, agent } = service;
  const chosen = balance.choose(service, await deps.instances.list({ namespace, agent }), run);
  if (chosen === undefined) deps.wakes.hint({ namespace, agent });
  return chosen;
}

/** Whose task it is, before there is anything of the run: the service's token may ask for it from the first moment. */
function remember({ namespace, name }: ServiceRecord, run: string, deps: RouterDeps): Promise<unknown> {
  return deps.idempotency.claim(ownerId(namespace, run), {
    bodyDigest: "",
    firedAt: deps.now(),
    runs: [name],
    stored: true,
  });
}

function ownerId(namespace: string, run: string): string {
  return `${namespace}.${run}.service`;
}

/** The service of a run that was taken here within the last 24 h. */
export async function serviceOfRun(namespace: string, run: string, deps: RouterDeps): Promise<string | undefined> {
  return (await deps.idempotency.get(ownerId(namespace, run)))?.runs[0];
}
