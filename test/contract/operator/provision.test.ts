import { jetstreamManager } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { provision } from "../../../operator/provision.ts";
import { startNats } from "../../harness/nats.ts";
import { connectStore } from "../jetstream/open.ts";
import { QUIET } from "./quiet.ts";

const signing = { natsSigning: { keyFile: "/keys/guests.nk", account: undefined } };

test("ADR 0015: a record of the former layout is warned of where guests are signed, with the next step", async () => {
  await using nats = await startNats();
  const manager = await jetstreamManager(await nats.connect());
  const subjects = ["ark.facts.>", "ark.timers.>"];
  await manager.streams.add({ name: "ARK_FACTS", subjects, allow_msg_schedules: true, allow_rollup_hdrs: true });
  await using store = await connectStore(nats);
  const warned: object[] = [];
  const log: Logger = { ...QUIET, warn: (fields) => void warned.push(fields) };
  await provision(store, { natsSigning: undefined }, log);
  expect(warned).toEqual([]);
  await provision(store, signing, log);
  expect(warned).toEqual([
    { stream: "ARK_FACTS", next: expect.stringContaining("nats stream rm ARK_FACTS") as unknown },
  ]);
  await manager.streams.delete("ARK_FACTS");
  await provision(store, signing, log);
  await provision(store, signing, log);
  expect(warned).toHaveLength(1);
});
