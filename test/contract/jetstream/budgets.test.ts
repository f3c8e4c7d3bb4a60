import { afterAll, beforeAll, expect, test } from "vitest";
import type { BudgetRef } from "#core/events/budget.ts";
import { connectStore, openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

let refs = 0;
const aBudget = (limit: number): BudgetRef => ({ key: `run.default.run-${(refs += 1)}`, limit });
const later = () => Date.now() + 600_000;
const usage = (tokens: number) => ({ inputTokens: tokens - 1, outputTokens: 1 });

test("P6 D20: 20 parallel reservations of two processes never pass the limit", async () => {
  await using other = await connectStore(opened.nats);
  const budget = aBudget(1_000);
  const tries = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? opened.store : other).budgets.reserve([budget], `call-${index}`, 100, later()),
    ),
  );
  expect(tries.filter(({ kind }) => kind === "reserved")).toHaveLength(10);
  expect(tries.find(({ kind }) => kind === "refused")).toMatchObject({ key: budget.key, limit: 1_000 });
});

test("all budgets of a call or none: what a refusal had reserved is free again", async () => {
  const { budgets } = opened.store;
  const [wide, narrow] = [aBudget(100), aBudget(10)];
  const refused = await budgets.reserve([wide, narrow], "call", 50, later());
  expect(refused).toEqual({ kind: "refused", key: narrow.key, limit: 10, spent: 0 });
  expect((await budgets.reserve([wide], "other", 100, later())).kind).toBe("reserved");
});

test("a settled call costs what it used, once; a released one nothing", async () => {
  const { budgets } = opened.store;
  const budget = aBudget(100);
  await budgets.reserve([budget], "a", 90, later());
  await budgets.settle([budget], "a", usage(30));
  await budgets.settle([budget], "a", usage(30));
  await budgets.reserve([budget], "b", 70, later());
  expect(await budgets.reserve([budget], "c", 1, later())).toMatchObject({ kind: "refused", spent: 100 });
  await budgets.release([budget], "b");
  expect((await budgets.reserve([budget], "c", 70, later())).kind).toBe("reserved");
});

test("D20: the share of a reserver that died comes back by itself", async () => {
  const { budgets } = opened.store;
  const budget = aBudget(100);
  await budgets.reserve([budget], "dead", 100, Date.now() - 1);
  expect((await budgets.reserve([budget], "alive", 100, later())).kind).toBe("reserved");
});
