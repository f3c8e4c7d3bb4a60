/** Ports whose publishers also send the one hint: what was stored finds somebody awake (design 1). */
import { COLLECTOR_POOL, RELAY_POOL } from "./subjects.ts";
import type { Outbox } from "../ports/events.ts";
import type { FactLog, Wakes } from "../ports/record.ts";

export function hintingFacts(facts: FactLog, wakes: Wakes): FactLog {
  return {
    ...facts,
    publish: async (run, fact) => {
      const stored = await facts.publish(run, fact);
      wakes.hint({ namespace: run.namespace, agent: COLLECTOR_POOL });
      return stored;
    },
  };
}

export function hintingOutbox(outbox: Outbox, wakes: Wakes): Outbox {
  return {
    ...outbox,
    publish: async (event, eventUid) => {
      const stored = await outbox.publish(event, eventUid);
      wakes.hint({ namespace: event.namespace, agent: RELAY_POOL });
      return stored;
    },
  };
}
