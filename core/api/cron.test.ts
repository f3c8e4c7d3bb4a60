import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { cronPattern, parseCron, type Cron, type CronFault } from "./cron.ts";

function accepted(text: string): Cron {
  const outcome = parseCron(text);
  if (outcome.kind !== "cron") throw new Error(`${text} was refused: ${outcome.fault.message}`);
  return outcome.cron;
}

function refused(text: string): CronFault {
  const outcome = parseCron(text);
  if (outcome.kind !== "refused") throw new Error(`${text} was accepted as ${outcome.cron.text}`);
  return outcome.fault;
}

describe("accepted, and written in the smallest common dialect (R1)", () => {
  test.each([
    ["0 * * * *", "0 * * * *"],
    ["0 8 * * *", "0 8 * * *"],
    ["0 9 * * 1-5", "0 9 * * 1-5"],
    ["*/15 * * * *", "0,15,30,45 * * * *"],
    ["  5  4 * * sun ", "5 4 * * 0"],
    ["0 0 * * 7", "0 0 * * 0"],
    ["0 0 * * 7/2", "0 0 * * 0,2,4,6"],
    ["0 0 * * 5-7", "0 0 * * 0,5,6"],
    ["0 0 1 JAN,mar *", "0 0 1 1,3 *"],
    ["0 0 ? * MON-FRI", "0 0 * * 1-5"],
    ["30/10 * * * *", "30,40,50 * * * *"],
    ["0-10/5 0 * * *", "0,5,10 0 * * *"],
    ["1,2,3,7 0 * * *", "1-3,7 0 * * *"],
    ["*/1 * * * *", "* * * * *"],
    ["@hourly", "0 * * * *"],
    ["@daily", "0 0 * * *"],
    ["@weekly", "0 0 * * 0"],
    ["@monthly", "0 0 1 * *"],
    ["@yearly", "0 0 1 1 *"],
    ["0 0 29 2 *", "0 0 29 2 *"],
    ["0 0 31 2 1", "0 0 31 2 1"],
  ])("%s is %s", (text, plain) => {
    expect(accepted(text).text).toBe(plain);
    expect(accepted(plain).text).toBe(plain);
    expect(RE2JS.matches(cronPattern(), text)).toBe(true);
  });

  test("with both kinds of days given, either is enough", () => {
    expect(accepted("0 0 13 * 5").eitherDay).toBe(true);
    expect(accepted("0 0 13 * *").eitherDay).toBe(false);
    expect(accepted("0 0 * * 5").eitherDay).toBe(false);
  });
});

describe("refused, with field and position (P10, D33)", () => {
  test.each([
    ["60 * * * *", "minute", 1],
    ["0 24 * * *", "hour", 3],
    ["0 0 0 * *", "day of month", 5],
    ["0 0 1 13 *", "month", 7],
    ["0 0 * * 8", "day of week", 9],
    ["0 0 * * mo", "day of week", 9],
    ["1,61 * * * *", "minute", 3],
    ["005 * * * *", "minute", 1],
    ["5-1 * * * *", "minute", 1],
    ["0-99 * * * *", "minute", 3],
    ["*/0 * * * *", "minute", 3],
    ["*/x * * * *", "minute", 3],
    ["1/2/3 * * * *", "minute", 5],
    ["1-2-3 * * * *", "minute", 5],
    ["1, * * * *", "minute", 3],
    ["? * * * *", "minute", 1],
    ["0 0 L * *", "day of month", 5],
    ["0 0 * * 5#2", "day of week", 9],
    ["0 0 31 2 *", "day of month", 5],
    ["0 0 31 4,6,9,11 *", "day of month", 5],
    ["-1 * * * *", "minute", 1],
    ["* * * *", "schedule", 8],
    ["0 0 * * * 2026", "schedule", 11],
    ["", "schedule", 1],
    ["@every 5m", "schedule", 1],
    ["@reboot", "schedule", 1],
    ["TZ=UTC 0 0 * * *", "schedule", 16],
    ["@daily\n", "schedule", 1],
  ])("%s: %s at %i", (text, field, position) => {
    const fault = refused(text);
    expect(fault).toMatchObject({ field, position });
    expect(fault.message).toContain(`character ${position}`);
  });
});

test.each(["60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 1 13 *", "0 0 * * 8", "* * * *", "@every 5m", "? * * * *"])(
  "the pattern alone refuses %s too",
  (text) => {
    expect(RE2JS.matches(cronPattern(), text)).toBe(false);
  },
);
