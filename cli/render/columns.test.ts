import { expect, it } from "vitest";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { objectTable } from "./columns.ts";

const now = Date.parse("2026-03-17T11:00:00Z");
const run: ArkRun = {
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkRun",
  metadata: { name: "blog-run-a1b2c3", namespace: "my-org", creationTimestamp: "2026-03-17T10:00:00Z" },
  spec: { teamRef: "blog" },
  status: {
    phase: "Succeeded",
    startTime: "2026-03-17T10:00:00Z",
    totalTokenUsage: { inputTokens: 1560, outputTokens: 4600, totalTokens: 6160 },
  },
};

it("prints a run's columns as the user's documents show them", () => {
  expect(objectTable("ArkRun", [run], { now, wide: false, namespaces: false })).toBe(
    [
      "NAME              TEAM   PHASE       TOKENS   STARTED   AGE",
      "blog-run-a1b2c3   blog   Succeeded   6160     60m       60m",
      "",
    ].join("\n"),
  );
});

it("adds the namespace and the wide columns when asked", () => {
  const text = objectTable("ArkRun", [run], { now, wide: true, namespaces: true });
  expect(text).toMatch(/^NAMESPACE +NAME +TEAM +PHASE +TOKENS +STARTED +AGENT +COST\(\$\) +AGE\nmy-org /);
});

it("says when a cron event fires next", () => {
  const event: ArkEvent = {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkEvent",
    metadata: { name: "daily", creationTimestamp: "2026-03-17T10:59:00Z" },
    spec: {
      source: { type: "cron", cron: "0 8 * * *" },
      targets: [{ team: "t" }],
      concurrencyPolicy: "Forbid",
      suspended: false,
    },
    status: { nextFireAt: "2026-03-18T08:00:00Z" },
  };
  const text = objectTable("ArkEvent", [event], { now, wide: false, namespaces: false });
  expect(text).toMatch(/\ndaily +cron +false +in 21h +60s\n$/);
});
