import { expect, test } from "vitest";
import { missedTicks, nextTick } from "./ticks.ts";

const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 16));

test("the next tick is after the given instant, in UTC unless a zone is named", () => {
  expect(iso(nextTick({ cron: "30 6 * * 1-5" }, at("2026-11-20T06:30:00Z")))).toBe("2026-11-23T06:30");
  expect(iso(nextTick({ cron: "30 6 * * *", timeZone: "Europe/Berlin" }, at("2026-11-20T00:00:00Z")))).toBe(
    "2026-11-20T05:30",
  );
  expect(iso(nextTick({ cron: "@hourly" }, at("2026-11-20T06:30:00Z")))).toBe("2026-11-20T07:00");
});

test("K1: a local time that the clocks skip does not fire", () => {
  const schedule = { cron: "30 2 * * *", timeZone: "America/New_York" };
  expect(iso(nextTick(schedule, at("2026-03-07T08:00:00Z")))).toBe("2026-03-09T06:30");
});

test("K1: a local time that the clocks repeat fires once", () => {
  const schedule = { cron: "30 1 * * *", timeZone: "America/New_York" };
  const first = nextTick(schedule, at("2026-11-01T00:00:00Z"));
  expect(iso(first)).toBe("2026-11-01T05:30");
  expect(iso(nextTick(schedule, first ?? 0))).toBe("2026-11-02T06:30");
});

test("without a deadline the newest missed tick is caught up, while it is under 100 s old", () => {
  const every = { cron: "* * * * *" };
  expect(missedTicks(every, at("2026-11-20T06:00:00Z"), at("2026-11-20T06:10:30Z")).map(iso)).toEqual([
    "2026-11-20T06:10",
  ]);
  const hourly = { cron: "0 * * * *" };
  expect(missedTicks(hourly, at("2026-11-20T05:00:00Z"), at("2026-11-20T06:10:30Z"))).toEqual([]);
});

test("with a deadline every missed tick inside it is caught up, oldest first; 0 catches none up", () => {
  const hourly = { cron: "0 * * * *" };
  const [last, now] = [at("2026-11-20T01:00:00Z"), at("2026-11-20T06:10:30Z")];
  expect(missedTicks(hourly, last, now, 3 * 3600).map(iso)).toEqual([
    "2026-11-20T04:00",
    "2026-11-20T05:00",
    "2026-11-20T06:00",
  ]);
  expect(missedTicks(hourly, last, now, 604_800)).toHaveLength(5);
  expect(missedTicks(hourly, last, now, 0)).toEqual([]);
});

test("K2: a schedule that validation refuses has no tick: an API server takes some", () => {
  expect(nextTick({ cron: "0 6 * * *", timeZone: "Europe/Atlantis" }, at("2026-11-20T06:30:00Z"))).toBeUndefined();
  expect(nextTick({ cron: "0 0 30 2 *" }, at("2026-11-20T06:30:00Z"))).toBeUndefined();
});
