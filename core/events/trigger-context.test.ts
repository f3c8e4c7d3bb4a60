import { expect, test } from "vitest";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { inputFromBody } from "./body-input.ts";
import { arkSource, numberExtension, webhookEvent } from "./cloud-event.ts";
import { triggerContext } from "./trigger-context.ts";

const AT = Date.parse("2026-01-02T03:04:05.678Z");
const fire = { namespace: "ns", event: "greet", key: "k1", firedAt: AT, body: { topic: "rain" } };

test("a webhook's templates see its name, time, body and attributes", () => {
  const cloudEvent = webhookEvent(fire);
  expect(triggerContext({ name: "greet", type: "webhook", firedAt: AT, cloudEvent })).toEqual({
    trigger: {
      name: "greet",
      firedAt: "2026-01-02T03:04:05Z",
      body: { topic: "rain" },
      event: {
        specversion: "1.0",
        id: "k1",
        source: "/ark/ns/arkevent/greet",
        type: "dev.ark.webhook",
        subject: "greet",
        time: "2026-01-02T03:04:05.678Z",
        datacontenttype: "application/json",
        arknamespace: "ns",
        arkevent: "greet",
        arkkey: "k1",
      },
    },
  });
});

test("a team's output comes with the run and how it ended; an extension never hides an attribute", () => {
  const cloudEvent: CloudEventRecord = {
    specversion: "1.0",
    id: "1",
    source: arkSource("ns", "arkrun", "r1"),
    type: "dev.ark.run.failed",
    extensions: { arkrun: "r1", arkhop: "3", id: "fake" },
  };
  const { trigger } = triggerContext({ name: "after", type: "team-output", firedAt: AT, cloudEvent, output: "text" });
  expect(trigger).toMatchObject({ output: "text", runName: "r1", phase: "Failed", event: { id: "1" } });
  expect(trigger).not.toHaveProperty("body");
  expect(numberExtension(cloudEvent, "arkhop")).toBe(3);
  expect(numberExtension(cloudEvent, "arkrun")).toBeUndefined();
});

test("a flat body sets the inputs that the team knows, and nothing else", () => {
  const known = {
    inputs: [
      { name: "topic", type: "string" as const, required: true },
      { name: "tags", type: "array" as const, required: false },
    ],
    defaults: ["tone"],
  };
  const body = { topic: "rain", tone: 7, evil: "x", tags: ["a"], toString: "no" };
  expect(inputFromBody(body, known)).toEqual({ topic: "rain", tone: "7", tags: '["a"]' });
  expect(inputFromBody({ topic: "rain", tone: null }, known)).toEqual({ topic: "rain" });
  expect(inputFromBody({ topic: "rain", commit: { id: 1 } }, known)).toEqual({});
  for (const other of [null, "text", 7, ["topic"], undefined]) expect(inputFromBody(other, known)).toEqual({});
});
