import { expect, test } from "vitest";
import { sleep } from "./sleep.ts";

test("a sleep of 25 days and more is longer than a short one", async () => {
  const awake = new AbortController();
  const days = sleep(2 ** 31, awake.signal).then(() => "days");
  const moment = sleep(20, awake.signal).then(() => "moment");
  expect(await Promise.race([days, moment])).toBe("moment");
  awake.abort();
  expect(await days).toBe("days");
});
