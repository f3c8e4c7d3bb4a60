/** Asks nats-server itself what a test left behind: a client that thinks it has closed may be wrong. */
import { setTimeout as delay } from "node:timers/promises";
import type { TestNats } from "./nats.ts";

export type Baseline = { connections: number; subscriptions: number; consumers: readonly string[] };

export async function natsBaseline(nats: TestNats): Promise<Baseline> {
  const [connz, jsz] = await Promise.all([nats.monitor.connz(), nats.monitor.jsz()]);
  return {
    connections: connz.num_connections,
    subscriptions: connz.connections.reduce((sum, connection) => sum + connection.subscriptions, 0),
    consumers: jsz.streams
      .flatMap((stream) => stream.consumer_detail.map((c) => `${stream.name}/${c.name}`))
      .toSorted(),
  };
}

/**
 * Throws when the server still holds more connections, subscriptions or consumers than `baseline`. The server learns
 * of a closed connection a moment later, so it is asked again until `timeoutMs`.
 */
export async function expectNoLeaks(nats: TestNats, baseline: Baseline, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const leaks = compare(baseline, await natsBaseline(nats));
    if (leaks.length === 0) return;
    if (performance.now() > deadline) throw new Error(`nats-server still holds ${leaks.join(", ")}`);
    await delay(20);
  }
}

function compare(before: Baseline, after: Baseline): string[] {
  const leaks: string[] = [];
  if (after.connections > before.connections) leaks.push(`${after.connections - before.connections} connections`);
  if (after.subscriptions > before.subscriptions) {
    leaks.push(`${after.subscriptions - before.subscriptions} subscriptions`);
  }
  for (const name of after.consumers) if (!before.consumers.includes(name)) leaks.push(`consumer ${name}`);
  return leaks;
}
