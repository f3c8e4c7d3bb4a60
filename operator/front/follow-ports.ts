/**
 * The ports that ArkServices have, opened on this replica, whether it leads or not: their records say them (D42).
 *
 * G1  A replica that begins knows all of them before it is ready.
 * G2  While the records cannot be read what is open stays open.
 */
import type { Logger } from "#core/ports/log.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import type { ServicePort, ServiceRecord, Services } from "#core/ports/services.ts";
import type { Ports } from "#platform/http/ports.ts";
import { sleep } from "#platform/process/sleep.ts";
import type { DeclaredPort } from "./front.ts";

export type FollowPortsDeps = {
  readonly services: Pick<Services, "list" | "watch">;
  readonly ports: Pick<Ports<DeclaredPort>, "use">;
  readonly log: Logger;
};

type Known = Map<string, ServiceRecord>;

const AGAIN_MS = 1_000;

/** Resolves when the ports of all services that are there are open, or have a fault: what goes on is then followed. */
export async function openPorts(deps: FollowPortsDeps): Promise<void> {
  await look(deps).catch((error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error;
    deps.log.warn({ err: error }, "ports of services not known yet");
  });
}

/** Until `signal`. */
export async function followPorts(deps: FollowPortsDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await follow(deps, signal);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      deps.log.warn({ err: error }, "services not followed");
    }
    await sleep(AGAIN_MS, signal);
  }
}

async function follow(deps: FollowPortsDeps, signal: AbortSignal): Promise<void> {
  // What went while nobody followed is in no watch.
  const known = await look(deps);
  for await (const { namespace, name, record } of deps.services.watch(signal)) {
    const key = `${namespace}/${name}`;
    const before = portsIn(known.get(key));
    if (record === undefined) known.delete(key);
    else known.set(key, record);
    if (before !== portsIn(record)) await deps.ports.use(wantedBy(known));
  }
}

async function look({ services, ports }: FollowPortsDeps): Promise<Known> {
  const known: Known = new Map();
  for await (const record of services.list()) known.set(`${record.namespace}/${record.name}`, record);
  await ports.use(wantedBy(known));
  return known;
}

function wantedBy(known: Known): ReadonlyMap<number, DeclaredPort> {
  return new Map(
    [...known.values()].flatMap(({ namespace, name, ports = [] }) =>
      ports.map(({ port, protocol }): [number, DeclaredPort] => [port, { namespace, name, protocol }]),
    ),
  );
}

function portsIn(record: { readonly ports?: readonly ServicePort[] } | undefined): string {
  return JSON.stringify(record?.ports ?? []);
}
