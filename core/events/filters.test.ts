import { expect, test } from "vitest";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { passes } from "./filters.ts";

const event: CloudEventRecord = {
  specversion: "1.0",
  id: "1",
  source: "/shop/orders",
  type: "com.shop.order.created",
  extensions: { region: "eu-west", size: 3 },
};

test.each([
  ["exact", { exact: { type: "com.shop.order.created", region: "eu-west" } }, true],
  ["exact of another value", { exact: { type: "com.shop" } }, false],
  ["an absent attribute", { exact: { subject: "x" } }, false],
  ["prefix", { prefix: { type: "com.shop." } }, true],
  ["an attribute that only every object has", { prefix: { constructor: "" } }, false],
  ["suffix of an extension", { suffix: { region: "-west" } }, true],
  ["a number as text", { exact: { size: "3" } }, true],
  ["not", { not: { prefix: { type: "com.shop." } } }, false],
  ["any", { any: [{ exact: { id: "2" } }, { exact: { id: "1" } }] }, true],
  ["all", { all: [{ exact: { id: "2" } }, { exact: { id: "1" } }] }, false],
  ["cesql, which a broker evaluates", { cesql: "TRUE" }, false],
])("%s", (_name, filter, verdict) => {
  expect(passes(event, [filter])).toBe(verdict);
});

test("no filter lets everything pass, several must all pass", () => {
  expect(passes(event, [])).toBe(true);
  expect(passes(event, [{ exact: { id: "1" } }, { exact: { id: "2" } }])).toBe(false);
});
