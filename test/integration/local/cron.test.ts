/** Cron on one machine, by a clock of the test's own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ArkEvent, ArkEventSchema } from "#core/api/v1alpha1/ark-event.ts";
import { Cron } from "../../../local/cron.ts";
import { quiet } from "../../harness/ark.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ark-cron-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const hourly = (spec: object = {}): ArkEvent =>
  ArkEventSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkEvent",
    metadata: { name: "hourly", namespace: "default", uid: "u1", creationTimestamp: "2026-11-21T00:00:00Z" },
    spec: { source: { type: "cron", cron: "0 * * * *" }, targets: [{ team: "a" }], ...spec },
  });

/** One look at the clock at `at`; gives the ticks that fired. */
async function look(event: ArkEvent, at: string): Promise<string[]> {
  const fired: string[] = [];
  const cron = await Cron.open({
    dataDir: folder,
    fire: async (_event, tick) => void fired.push(new Date(tick).toISOString().slice(11, 16)),
    now: () => Date.parse(`2026-11-21T${at}Z`),
    log: quiet,
  });
  cron.use([event]);
  await cron.stop();
  return fired;
}

test("a tick fires once, also when the process is started anew", async () => {
  expect(await look(hourly(), "00:30:00")).toEqual([]);
  expect(await look(hourly(), "01:00:00.003")).toEqual(["01:00"]);
  expect(await look(hourly(), "01:00:01")).toEqual([]);
});

test("D33: missed ticks are caught up within startingDeadlineSeconds, oldest first", async () => {
  expect(await look(hourly(), "00:30:00")).toEqual([]);
  expect(await look(hourly({ startingDeadlineSeconds: 7200 }), "04:30:00")).toEqual(["03:00", "04:00"]);
});

test("without a deadline only a tick that was just missed is caught up", async () => {
  await look(hourly(), "00:30:00");
  expect(await look(hourly(), "03:10:00")).toEqual([]);
  expect(await look(hourly(), "05:01:00")).toEqual(["05:00"]);
});

test("D33: no tick before the event was made fires, however long the deadline, nor one of before it was changed", async () => {
  const day = { startingDeadlineSeconds: 86400 };
  expect(await look(hourly(day), "00:30:00")).toEqual([]);
  expect(await look(hourly({ ...day, source: { type: "cron", cron: "15 * * * *" } }), "00:40:00")).toEqual([]);
});

test("N2: ticks of a suspended event pass", async () => {
  await look(hourly(), "00:30:00");
  expect(await look(hourly({ suspended: true, startingDeadlineSeconds: 86400 }), "02:30:00")).toEqual([]);
  expect(await look(hourly({ startingDeadlineSeconds: 86400 }), "03:00:00.001")).toEqual(["03:00"]);
});

test("api 1: a schedule is in its own time zone", async () => {
  const source = { type: "cron", cron: "30 6 * * *", timeZone: "Europe/Berlin" };
  await look(hourly({ source }), "00:30:00");
  expect(await look(hourly({ source, startingDeadlineSeconds: 86400 }), "10:00:00")).toEqual(["05:30"]);
});
