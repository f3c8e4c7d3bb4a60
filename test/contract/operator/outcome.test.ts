/** What the webhook function answers, past the front door, over real HTTP: which of it is told on the ArkEvent (api 16). */
import { expect, test } from "vitest";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve } from "#platform/http/server.ts";
import type { Told } from "#platform/kube/events.ts";
import { createFront } from "../../../operator/front/front.ts";
import { createOutcomeTelling } from "../../../operator/front/tell-outcome.ts";
import { type Door, openDoor, TOKEN } from "../../harness/door.ts";
import { QUIET } from "./quiet.ts";

const POLL = { timeout: 60_000, interval: 10 };

async function startFront(door: Door) {
  const told: string[] = [];
  const front = createFront({
    upstream: door.webhook.url,
    services: { get: () => Promise.resolve(undefined) },
    routerUrl: () => expect.unreachable(),
    record: () => expect.unreachable(),
    tellOutcome: createOutcomeTelling({
      triggers: door.js.triggers,
      recorder: {
        tell: ({ kind, name, uid }, { type, reason, note }: Told) =>
          void told.push(`${kind} ${name} ${uid === "" ? "?" : ""}${type} ${reason}: ${note}`),
      },
      quiet: createRateLimit({ perSecond: 1 / 60, burst: 1, maxKeys: 100, now: () => 0 }),
      log: QUIET,
    }),
    ready: () => true,
    log: QUIET,
  });
  const serving = await serve(front.listener, { port: 0, host: "127.0.0.1" });
  return {
    told,
    async post(path: string, token = TOKEN): Promise<number> {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${serving.url}${path}`, { method: "POST", headers });
      await answer.text();
      return answer.status;
    },
    async [Symbol.asyncDispose]() {
      await serving.stop(0);
      front[Symbol.dispose]();
    },
  };
}

const FAILED = "ArkEvent greet Warning AuthFailed: a request without the event's token";
const HELD = "ArkEvent held Normal Skipped: ConcurrencyForbidden: a run of this event has not ended";
const ASLEEP = "ArkEvent asleep Normal Skipped: Suspended: the event is suspended";

test("a wrong token and a fire that a gate stopped are told once a minute each; nothing of a fire, or of no event", async () => {
  await using door = await openDoor();
  await using front = await startFront(door);
  await door.event();
  await door.event({ suspended: true }, {}, "asleep");
  await door.event({ concurrencyPolicy: "Forbid" }, {}, "held");
  await door.event({ source: { type: "cron", cron: "@daily" } }, {}, "tick");
  expect(await front.post("/triggers/default/greet")).toBe(202);
  expect(await front.post("/triggers/default/nobody", "wrong")).toBe(401);
  expect(await front.post("/triggers/default/tick", "wrong")).toBe(401);
  for (let n = 0; n < 5; n += 1) expect(await front.post("/triggers/default/greet", "wrong")).toBe(401);
  await expect.poll(() => front.told, POLL).toEqual([FAILED]);
  expect(await front.post("/triggers/default/asleep/fire")).toBe(503);
  await expect.poll(() => front.told, POLL).toEqual([FAILED, ASLEEP]);
  for (let n = 0; n < 3; n += 1) expect(await front.post("/triggers/default/held")).toBe(202);
  expect(await front.post("/triggers/default/held?mode=sync")).toBe(409);
  await expect.poll(() => front.told, POLL).toEqual([FAILED, ASLEEP, HELD]);
});
