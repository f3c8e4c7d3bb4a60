import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { againAndAgain } from "./again.ts";

test("what fails is told and done again, until the signal", async () => {
  const said: string[] = [];
  const log: Logger = {
    debug() {},
    info() {},
    warn: (_fields, words) => said.push(words),
    error() {},
    child: () => log,
  };
  const stop = new AbortController();
  let times = 0;
  const work = async () => {
    times += 1;
    if (times === 3) stop.abort();
    if (times === 1) throw new Error("no");
  };
  await againAndAgain(work, { everyMs: 1, failed: "not done", log }, stop.signal);
  expect({ times, said }).toEqual({ times: 3, said: ["not done"] });
});
