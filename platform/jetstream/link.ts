/** What every adapter of this folder needs: one connection, its JetStream client, one request timeout. */
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import { delay, type NatsConnection } from "@nats-io/transport-node";
import type { Meters } from "#core/ports/meters.ts";
import { type Traffic, trafficOf, UNCOUNTED } from "./traffic.ts";

export type Link = {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Longest wait for any answer of the server. */
  readonly timeoutMs: number;
  readonly line: Line;
  /** A user with permissions of its own: it looks nothing up and makes nothing, but binds to what is there. */
  readonly isGuest: boolean;
  readonly traffic: Traffic;
};

type LinkOptions = {
  readonly timeoutMs?: number | undefined;
  readonly isGuest?: boolean;
  readonly meters?: Meters | undefined;
};

/** `again`: told each time the line is there again. */
type Line = { up: boolean; readonly again: Set<() => void> };

const REQUEST_TIMEOUT_MS = 5_000;

export async function openLink(
  nc: NatsConnection,
  { timeoutMs = REQUEST_TIMEOUT_MS, isGuest = false, meters }: LinkOptions = {},
): Promise<Link> {
  const line: Line = { up: true, again: new Set() };
  void follow(nc, line);
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: timeoutMs });
  const traffic = meters === undefined ? UNCOUNTED : trafficOf(meters);
  return { nc, js: jetstream(nc, { timeout: timeoutMs }), jsm, timeoutMs, line, isGuest, traffic };
}

export function isConnected(link: Link): boolean {
  return link.line.up && !link.nc.isClosed();
}

/** Drains while the server answers; a server that is away has nothing to drain to. */
export async function closeLink({ nc, timeoutMs, line }: Link): Promise<void> {
  if (nc.isClosed()) return;
  if (line.up && !nc.isDraining()) {
    const limit = delay(timeoutMs);
    await Promise.race([nc.drain().catch(() => undefined), limit]);
    limit.cancel();
  }
  await nc.close();
}

async function follow(nc: NatsConnection, line: Line): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === "disconnect") line.up = false;
    else if (status.type === "reconnect") {
      line.up = true;
      for (const tell of line.again) tell();
    }
  }
}
