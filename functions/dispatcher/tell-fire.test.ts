import { expect, test } from "vitest";
import type { Regarding, Told } from "#platform/kube/events.ts";
import type { FireRecord } from "./deps.ts";
import { tellFire } from "./tell-fire.ts";

const fire = { namespace: "ns", event: "hook", uid: "u", key: "k", firedAt: 0, runs: [], created: 0 } as const;

function told(more: Pick<FireRecord, "outcome"> & Partial<FireRecord>): readonly (readonly [Regarding, Told])[] {
  const all: (readonly [Regarding, Told])[] = [];
  tellFire({ ...fire, ...more }, { tell: (regarding, one) => void all.push([regarding, one]) });
  return all;
}

test("D33: a skipped fire is Normal, a lost one a Warning, both on the ArkEvent with their reason", () => {
  const regarding = { apiVersion: "arkonis.dev/v1alpha1", kind: "ArkEvent", namespace: "ns", name: "hook", uid: "u" };
  expect(told({ outcome: "skipped", reason: "Suspended", message: "the event is suspended" })).toEqual([
    [regarding, { type: "Normal", reason: "Skipped", action: "Skipped", note: "Suspended: the event is suspended" }],
  ]);
  expect(told({ outcome: "dead-lettered", reason: "TeamNotFound", message: "no team" })).toMatchObject([
    [regarding, { type: "Warning", reason: "DeadLettered", note: "TeamNotFound: no team" }],
  ]);
});

test("a fire that started its runs is the operator's to tell", () => {
  expect(told({ outcome: "fired", runs: ["a"], created: 1 })).toEqual([]);
});

test("a fire that comes again is Normal, one that cannot start yet a Warning", () => {
  expect(told({ outcome: "fired", runs: ["a"] })).toMatchObject([[{}, { type: "Normal", reason: "Duplicate" }]]);
  expect(told({ outcome: "failed", reason: "TeamNotFound", message: "no team" })).toMatchObject([
    [{}, { type: "Warning", reason: "FireFailed", note: "TeamNotFound: no team; it is tried again" }],
  ]);
});
