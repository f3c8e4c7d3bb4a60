import { expect, test } from "vitest";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { parseCloudEvents, toBinaryMessage } from "./cloud-events.ts";

const EVENT: CloudEventRecord = {
  specversion: "1.0",
  id: "1",
  source: "/ark/default/arkevent/greet",
  type: "dev.ark.webhook",
  datacontenttype: "application/json",
  data: { topic: "rain" },
  extensions: { arknamespace: "default", arkevent: "greet", arkhop: 2 },
};

test("binary mode gives back what was sent, with extensions as strings", () => {
  const { headers, body } = toBinaryMessage(EVENT);
  expect(headers["ce-arkevent"]).toBe("greet");
  const parsed = parseCloudEvents(headers, body);
  if (parsed.kind !== "events") throw new Error(JSON.stringify(parsed));
  expect(parsed.events).toHaveLength(1);
  expect(parsed.events[0]).toMatchObject({ id: "1", source: EVENT.source, type: EVENT.type, data: EVENT.data });
  expect(parsed.events[0]?.extensions).toMatchObject({ arknamespace: "default", arkhop: "2" });
});

test("data without an object travels too", () => {
  for (const data of ["text", 7, null, ["a"], undefined]) {
    const { data: _, ...bare } = EVENT;
    const { headers, body } = toBinaryMessage(data === undefined ? bare : { ...bare, data });
    const parsed = parseCloudEvents(headers, body);
    expect(parsed.kind).toBe("events");
    if (parsed.kind === "events") expect(parsed.events[0]?.data ?? null).toEqual(data ?? null);
  }
});

test("structured and batched mode", () => {
  const { extensions, ...attributes } = EVENT;
  const json = { ...attributes, ...extensions };
  const one = parseCloudEvents({ "content-type": "application/cloudevents+json; charset=utf-8" }, JSON.stringify(json));
  expect(one).toMatchObject({ kind: "events", events: [{ id: "1", data: { topic: "rain" }, extensions }] });
  const two = parseCloudEvents(
    { "content-type": "application/cloudevents-batch+json" },
    JSON.stringify([json, { ...json, id: "2" }]),
  );
  expect(two).toMatchObject({ kind: "events", events: [{ id: "1" }, { id: "2" }] });
});

test("what is no CloudEvent is said to be none, what is a broken one says why", () => {
  expect(parseCloudEvents({ "content-type": "application/json" }, "{}")).toEqual({ kind: "none" });
  expect(parseCloudEvents({ "content-type": "application/cloudevents+json" }, "{").kind).toBe("invalid");
  expect(parseCloudEvents({ "content-type": "application/cloudevents+json" }, '{"specversion":"1.0"}').kind).toBe(
    "invalid",
  );
  expect(parseCloudEvents({ "ce-id": "1", "ce-specversion": "1.0" }, "{}").kind).toBe("invalid");
  expect(parseCloudEvents({ "content-type": "application/cloudevents-batch+json" }, "[]").kind).toBe("invalid");
});

test("K1: an event without id is refused, a missing time stays missing, bad JSON is no text", () => {
  const type = { "content-type": "application/cloudevents+json" };
  expect(parseCloudEvents(type, '{"specversion":"1.0","source":"/a","type":"t"}')).toEqual({
    kind: "invalid",
    detail: "attribute id is required",
  });
  const bare = parseCloudEvents(type, '{"specversion":"1.0","id":"1","source":"/a","type":"t"}');
  expect(bare).toEqual({
    kind: "events",
    events: [{ specversion: "1.0", id: "1", source: "/a", type: "t", extensions: {} }],
  });
  const headers = { "ce-id": "1", "ce-specversion": "1.0", "ce-source": "/a", "ce-type": "t" };
  expect(parseCloudEvents({ ...headers, "content-type": "application/json; charset=UTF-8" }, "{").kind).toBe("invalid");
  expect(parseCloudEvents({ ...headers, "content-type": "text/plain" }, "{")).toMatchObject({
    events: [{ data: "{" }],
  });
});

test("attributes beyond ASCII travel percent-encoded (HTTP binding 3.1.3.2)", () => {
  const { headers, body } = toBinaryMessage({ ...EVENT, subject: "Zürich 100%", extensions: {} });
  expect(headers["ce-subject"]).toBe("Z%C3%BCrich%20100%25");
  expect(parseCloudEvents(headers, body)).toMatchObject({ events: [{ subject: "Zürich 100%" }] });
});
