import { expect, test } from "vitest";
import { parseConfig, readEnv } from "./config.ts";

test("P10: every fault at once, each with the name of its variable", () => {
  const outcome = parseConfig(readEnv({ PORT: "80800", ARK_NAMESPACE: "Team", ARK_WAKE_SECONDS: "soon" }));
  if (outcome.kind !== "faults") throw new Error("accepted");
  for (const name of ["ARK_NATS_URL", "ARK_NAMESPACE", "ARK_SERVICE", "PORT", "ARK_WAKE_SECONDS"]) {
    expect(outcome.faults.filter((fault) => fault.startsWith(`${name}: `))).toHaveLength(1);
  }
});

test("what is not set has a default, and an empty variable is not set", () => {
  const named = { ARK_NATS_URL: "nats://x", ARK_NAMESPACE: "team", ARK_SERVICE: "writing" };
  expect(parseConfig(readEnv({ ...named, PORT: "", ARK_WAKE_SECONDS: "" }))).toMatchObject({
    kind: "config",
    config: { service: "writing", port: 8080, wakeMs: 30_000, ratePerService: 50, natsCreds: undefined },
  });
});
