import { expect, test } from "vitest";
import { COLLECTOR_POOL, RELAY_POOL } from "./subjects.ts";
import { addressOf } from "./pool-addresses.ts";

const NONE = { agents: undefined, collector: undefined, relay: undefined };
const ALL = { agents: "http://{agent}-agent.{namespace}.svc", collector: "http://collector", relay: "http://webhook" };

test.each([
  ["writer", "http://writer-agent.ns.svc"],
  [COLLECTOR_POOL, "http://collector"],
  [RELAY_POOL, "http://webhook"],
])("pool %s is at %s, and nowhere when nothing is said", (agent, address) => {
  expect(addressOf({ namespace: "ns", agent }, ALL)).toBe(address);
  expect(addressOf({ namespace: "ns", agent }, NONE)).toBeUndefined();
});
