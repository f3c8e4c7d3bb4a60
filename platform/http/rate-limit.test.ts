import { expect, test } from "vitest";
import { createRateLimit } from "./rate-limit.ts";

test("a burst passes, then the rate, and the refusal says when to come again", () => {
  let now = 0;
  const limit = createRateLimit({ perSecond: 2, burst: 3, maxKeys: 10, now: () => now });
  expect([1, 2, 3].map(() => limit.take("a").kind)).toEqual(["passed", "passed", "passed"]);
  expect(limit.take("a")).toEqual({ kind: "refused", retryAfterSeconds: 1 });
  expect(limit.take("b").kind).toBe("passed");
  now = 500;
  expect(limit.take("a").kind).toBe("passed");
  expect(limit.take("a").kind).toBe("refused");
});

test("R2: refused requests take nothing", () => {
  let now = 0;
  const limit = createRateLimit({ perSecond: 1, burst: 1, maxKeys: 10, now: () => now });
  limit.take("a");
  for (let i = 0; i < 100; i++) limit.take("a");
  now = 1_000;
  expect(limit.take("a").kind).toBe("passed");
});

test("R1, E12: 10,000 keys leave the table at its bound, and a busy key keeps its bucket", () => {
  const limit = createRateLimit({ perSecond: 1, burst: 2, maxKeys: 100, now: () => 0 });
  for (let i = 0; i < 10_000; i++) {
    limit.take(`address-${i}`);
    limit.take("busy");
  }
  expect(limit.size()).toBe(100);
  expect(limit.take("busy").kind).toBe("refused");
});
