import { expect, test } from "vitest";
import { parseConfig, readEnv } from "./config.ts";

test("P10: every fault at once, each with the name of its variable", () => {
  const outcome = parseConfig(
    readEnv({ PORT: "80800", ARK_MODE: "often", ARK_LEASE_SECONDS: "1", ARK_AGENT_CONFIG: "" }),
  );
  if (outcome.kind !== "faults") throw new Error("accepted");
  for (const name of ["ARK_NATS_URL", "ARK_AGENT_CONFIG", "PORT", "ARK_MODE", "ARK_LEASE_SECONDS"]) {
    expect(outcome.faults.filter((fault) => fault.startsWith(`${name}: `))).toHaveLength(1);
  }
});

test("what is not set has a default, and an empty variable is not set", () => {
  const outcome = parseConfig(
    readEnv({ ARK_NATS_URL: "nats://x", ARK_AGENT_CONFIG: "/a.json", ARK_MODE: "", PORT: "" }),
  );
  expect(outcome).toMatchObject({
    kind: "config",
    config: { mode: "wake", port: 8080, idleMs: 10_000, leaseMs: 60_000, natsCreds: undefined },
  });
});
