import { expect, test } from "vitest";
import { parseConfig, readEnv } from "./config.ts";

test("P10: every fault at once, each with the name of its variable", () => {
  const outcome = parseConfig(readEnv({ PORT: "-1", ARK_OBJECTS: "etcd", ARK_IDLE_SECONDS: "soon" }));
  if (outcome.kind !== "faults") throw new Error("accepted");
  for (const name of ["ARK_NATS_URL", "PORT", "ARK_OBJECTS", "ARK_IDLE_SECONDS"]) {
    expect(outcome.faults.filter((fault) => fault.startsWith(`${name}: `))).toHaveLength(1);
  }
});

test("on a cluster unless told otherwise", () => {
  const outcome = parseConfig(readEnv({ ARK_NATS_URL: "nats://x", ARK_OBJECTS: "" }));
  expect(outcome).toMatchObject({ kind: "config", config: { objects: "kube", mode: "wake", port: 8080 } });
});
