import { expect, test } from "vitest";
import { EMPTY, release, reserve, settle, spentOf, type Ledger, type Reserving } from "./budget-ledger.ts";

const HOUR = 3_600_000;
const wish = (over: Partial<Reserving> = {}): Reserving => ({
  id: "a",
  tokens: 40,
  expiresAt: 1_000,
  limit: 100,
  windowMs: undefined,
  now: 0,
  ...over,
});
function reserved(ledger: Ledger, over: Partial<Reserving> = {}): Ledger {
  const outcome = reserve(ledger, wish(over));
  if (outcome.kind === "refused") throw new Error(`refused at ${outcome.spent}`);
  return outcome.ledger;
}
const call = (id: string, tokens: number, now = 0, windowMs?: number) => ({ id, tokens, now, windowMs });

test("G1 P6: reservations of others and what was spent count; the last token may be used", () => {
  let ledger = reserved(EMPTY);
  ledger = settle(reserved(ledger, { id: "b" }), call("b", 10));
  expect(reserve(ledger, wish({ id: "c", tokens: 51 }))).toEqual({ kind: "refused", spent: 50 });
  expect(reserve(ledger, wish({ id: "c", tokens: 50 })).kind).toBe("reserved");
});

test("reserving again under one id replaces", () => {
  const ledger = reserved(reserved(EMPTY), { tokens: 100 });
  expect(reserve(ledger, wish({ id: "b", tokens: 1 }))).toEqual({ kind: "refused", spent: 100 });
});

test("G2 D20: settled, released or past its time, a reservation is free again", () => {
  const full = reserved(EMPTY, { tokens: 100 });
  expect(reserve(full, wish({ id: "b", now: 999 })).kind).toBe("refused");
  expect(reserve(full, wish({ id: "b", now: 1_000 })).kind).toBe("reserved");
  expect(reserve(release(full, "a"), wish({ id: "b" })).kind).toBe("reserved");
  expect(reserve(settle(full, call("a", 60)), wish({ id: "b", tokens: 40 })).kind).toBe("reserved");
});

test("G3 E16: a call settles once; without a reservation it counts too; reserved again, it counts again", () => {
  const once = settle(EMPTY, call("a", 30));
  expect(spentOf(once)).toBe(30);
  expect(spentOf(settle(once, call("a", 30)))).toBe(30);
  expect(spentOf(settle(reserved(once), call("a", 30)))).toBe(60);
});

test("what was settled or released before leaves the books as they are: there is nothing to write", () => {
  const once = settle(reserved(EMPTY), call("a", 30));
  expect(settle(once, call("a", 30))).toBe(once);
  expect(release(once, "a")).toBe(once);
  expect(settle(reserved(once, { id: "b" }), call("b", 5)).reserved).toEqual({});
});

test("a window forgets what is older than itself, and never early", () => {
  const day = 24 * HOUR;
  const ledger = settle(EMPTY, call("a", 90, 10 * HOUR + 1, day));
  const later = (now: number) => reserve(ledger, wish({ id: "b", windowMs: day, now, expiresAt: now + 1 })).kind;
  expect(later(34 * HOUR)).toBe("refused");
  expect(later(35 * HOUR + 1)).toBe("reserved");
  const next = settle(ledger, call("b", 5, 40 * HOUR, day));
  expect(Object.keys(next.slots)).toEqual([String(40 * HOUR)]);
});

test("a budget without window never forgets", () => {
  const ledger = settle(EMPTY, call("a", 90));
  expect(reserve(ledger, wish({ id: "b", now: 1e12, expiresAt: 2e12 }))).toEqual({ kind: "refused", spent: 90 });
});
