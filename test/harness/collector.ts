/** A collector in one line, for facts that the test hands it: `const collect = collecting(store);` */
import type { Delivery, StoredFact } from "#core/ports/record.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { apiMeters } from "#platform/telemetry/metrics.ts";
import { apiSpans } from "#platform/telemetry/tracing.ts";
import { createCollector } from "../../functions/collector/collect.ts";
import type { CollectorPorts } from "../../functions/collector/deps.ts";
import { handleFacts } from "../../functions/collector/handler.ts";
import { collectorPorts } from "../../local/system.ts";
import { quiet } from "./ark.ts";

/** Facts as one batch, in the order of a lane; says what became of each delivery. */
export type Collect = (facts: readonly StoredFact[], deliveries?: number) => Promise<readonly string[]>;

/** It is ten seconds past the epoch. */
export function portsWith(store: JetStream, changes: Partial<CollectorPorts> = {}): CollectorPorts {
  const ports = collectorPorts(store, { spans: apiSpans(), meters: apiMeters() }, quiet);
  return { ...ports, now: () => 10_000, random: () => 0, ...changes };
}

export function collecting(store: JetStream, changes: Partial<CollectorPorts> = {}): Collect {
  const { deps } = createCollector(portsWith(store, changes));
  return async (facts, deliveries = 1) => {
    const heard = facts.map((): string[] => []);
    const batch = facts.map((value, index) => delivered(value, deliveries, (word) => void heard[index]?.push(word)));
    await handleFacts(batch, deps, AbortSignal.timeout(20_000));
    await deps.writer.flush();
    return heard.map((words) => words.join(", "));
  };
}

function delivered(value: StoredFact, deliveries: number, heard: (word: string) => void): Delivery<StoredFact> {
  return {
    value,
    seq: value.seq,
    deliveries,
    ack: async () => heard("ack"),
    nak: (ms) => heard(`nak ${ms}`),
    working: () => heard("working"),
  };
}
