import { expect, test } from "vitest";
import { ownTraceparent, parseTraceparent, runTraceparent, traceparentOf } from "./trace-context.ts";

const GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UID = "0f8fad5b-d9cb-469f-a165-70867728950e";

test("C1: a well-formed line is read, and written as it was", () => {
  const context = parseTraceparent(GIVEN);
  expect(context).toEqual({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", flags: 1 });
  expect(context === undefined ? undefined : traceparentOf(context)).toBe(GIVEN);
});

test.each([
  undefined,
  "",
  GIVEN.toUpperCase(),
  GIVEN.replace("00-4", "ff-4"),
  GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32)),
  GIVEN.replace("00f067aa0ba902b7", "0".repeat(16)),
  `${GIVEN}-more`,
  ` ${GIVEN}`,
])("C1: %j counts as none", (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
  expect(runTraceparent(text, UID)).toBeUndefined();
});

test("C2: the span of a run follows from its uid, in whatever trace it is", () => {
  expect(runTraceparent(GIVEN, UID)).toBe("00-4bf92f3577b34da6a3ce929d0e0e4736-a16570867728950e-01");
  expect(ownTraceparent(UID)).toBe("00-0f8fad5bd9cb469fa16570867728950e-a16570867728950e-01");
  expect(runTraceparent(ownTraceparent(UID), UID)).toBe(ownTraceparent(UID));
});

test("C2: a uid that is no UUID names no span", () => {
  expect(ownTraceparent("uid-1")).toBeUndefined();
  expect(runTraceparent(GIVEN, "uid-1")).toBeUndefined();
});
