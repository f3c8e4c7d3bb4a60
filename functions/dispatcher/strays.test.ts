import { expect, test } from "vitest";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { EVENT_TYPES, EXTENSIONS, RUN_EVENT_TYPES } from "#core/events/cloud-event.ts";
import { isStray } from "./strays.ts";

const place = { namespace: "ai", event: "hook" };
const event = (source: ArkEvent["spec"]["source"]): ArkEvent => ({
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkEvent",
  metadata: { name: "hook", namespace: "ai" },
  spec: { source, targets: [{ team: "one" }], concurrencyPolicy: "Allow", suspended: false },
});
const told = (type: string, extensions = {}) => ({
  specversion: "1.0" as const,
  id: "1",
  source: "/here",
  type,
  extensions,
});

test.each([
  ["its own", place, false],
  ["another ArkEvent's", { ...place, event: "other" }, true],
  ["another namespace's", { ...place, namespace: "dev" }, true],
])("a webhook's event that is %s", (_whose, { namespace, event: name }, stray) => {
  const extensions = { [EXTENSIONS.namespace]: namespace, [EXTENSIONS.event]: name };
  expect(isStray(told(EVENT_TYPES.webhook, extensions), place, event({ type: "webhook" }))).toBe(stray);
  expect(isStray(told(EVENT_TYPES.webhook, extensions), place, undefined)).toBe(stray);
});

test.each(RUN_EVENT_TYPES)("what a run tells everybody is nobody's letter where the ArkEvent is gone: %s", (type) => {
  expect(isStray(told(type), place, undefined)).toBe(true);
});

test("a foreign event is the letter of an ArkEvent that is gone, and of one whose filters want it", () => {
  const filters = [{ exact: { type: "com.example.order" } }];
  const wanted = event({ type: "cloudevent", cloudevent: { filters } });
  expect(isStray(told("com.example.order"), place, undefined)).toBe(false);
  expect(isStray(told("com.example.order"), place, wanted)).toBe(false);
  expect(isStray(told("com.example.other"), place, wanted)).toBe(true);
});
