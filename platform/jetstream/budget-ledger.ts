/**
 * One budget's books, as a pure value: what was spent, by slots of its window, and what is reserved.
 *
 * G1  Spent and reserved together never pass the limit by a reservation (P6).
 * G2  A reservation ends when it is settled, released, or past its time (D20).
 * G3  A call is counted once under its id, however often it is settled (E16); reserving its id again means that the
 *     call is made again, and counts again.
 */
import { createHash } from "node:crypto";

export type Ledger = {
  /** By start of slot in milliseconds; a budget without window has one slot, 0. */
  readonly slots: Readonly<Record<string, Slot>>;
  readonly reserved: Readonly<Record<string, { readonly tokens: number; readonly expiresAt: number }>>;
};
/** `calls`: short digests of the ids that were settled in it. */
type Slot = { readonly spent: number; readonly calls: readonly string[] };

export type Reserving = {
  readonly id: string;
  readonly tokens: number;
  readonly expiresAt: number;
  readonly limit: number;
  readonly windowMs: number | undefined;
  readonly now: number;
};
type Reserved =
  | { readonly kind: "reserved"; readonly ledger: Ledger }
  /** `spent` includes what others hold reserved. */
  | { readonly kind: "refused"; readonly spent: number };

export const EMPTY: Ledger = { slots: {}, reserved: {} };
const SLOTS_PER_WINDOW = 24;
const NO_SLOT: Slot = { spent: 0, calls: [] };

export function reserve(ledger: Ledger, wish: Reserving): Reserved {
  const current = trim(ledger, wish.now, wish.windowMs);
  const { [wish.id]: _mine, ...others } = current.reserved;
  const spent = spentOf(current) + sum(Object.values(others).map(({ tokens }) => tokens));
  if (spent + wish.tokens > wish.limit) return { kind: "refused", spent };
  const reserved = { ...others, [wish.id]: { tokens: wish.tokens, expiresAt: wish.expiresAt } };
  return { kind: "reserved", ledger: { slots: forget(current.slots, wish.id), reserved } };
}

/** The same ledger when the call was counted before. */
export function settle(
  ledger: Ledger,
  call: { readonly id: string; readonly tokens: number; readonly windowMs: number | undefined; readonly now: number },
): Ledger {
  const open = release(ledger, call.id);
  const current = trim(open, call.now, call.windowMs);
  const digest = callDigest(call.id);
  if (Object.values(current.slots).some(({ calls }) => calls.includes(digest))) return open;
  const start = slotStart(call.now, call.windowMs);
  const slot = current.slots[start] ?? NO_SLOT;
  const counted = { spent: slot.spent + call.tokens, calls: [...slot.calls, digest] };
  return { ...current, slots: { ...current.slots, [start]: counted } };
}

/** The same ledger when nothing is reserved under this id. */
export function release(ledger: Ledger, id: string): Ledger {
  if (!Object.hasOwn(ledger.reserved, id)) return ledger;
  const { [id]: _gone, ...reserved } = ledger.reserved;
  return { ...ledger, reserved };
}

export function spentOf(ledger: Ledger): number {
  return sum(Object.values(ledger.slots).map(({ spent }) => spent));
}

function trim(ledger: Ledger, now: number, windowMs: number | undefined): Ledger {
  const reserved = Object.entries(ledger.reserved).filter(([, { expiresAt }]) => expiresAt > now);
  const since = windowMs === undefined ? -1 : now - windowMs - windowMs / SLOTS_PER_WINDOW;
  const slots = Object.entries(ledger.slots).filter(([start]) => Number(start) > since);
  return { slots: Object.fromEntries(slots), reserved: Object.fromEntries(reserved) };
}

function forget(slots: Ledger["slots"], id: string): Ledger["slots"] {
  const digest = callDigest(id);
  const kept = Object.entries(slots).map(([start, { spent, calls }]): [string, Slot] => [
    start,
    { spent, calls: calls.filter((call) => call !== digest) },
  ]);
  return Object.fromEntries(kept);
}

/** A slot counts until all of it has left the window: a budget is never passed by rounding. */
function slotStart(now: number, windowMs: number | undefined): string {
  if (windowMs === undefined) return "0";
  const width = windowMs / SLOTS_PER_WINDOW;
  return String(Math.floor(now / width) * width);
}

function callDigest(id: string): string {
  return createHash("sha256").update(id).digest("base64url").slice(0, 10);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
