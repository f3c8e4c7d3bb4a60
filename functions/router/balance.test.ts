import { expect, test } from "vitest";
import type { Instance, ServiceRecord } from "#core/ports/services.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { Balance } from "./balance.ts";

const service: ServiceRecord = {
  namespace: "default",
  name: "writing",
  uid: "u",
  generation: 1,
  agent: "writer",
  strategy: "least-busy",
  protocols: ["HTTP"],
  tokenDigest: "",
};
const idle = (instance: string): Instance => ({ instance, active: 0, max: 4, ready: true });
const INSTANCES = [idle("a"), idle("b")];
const FORGOTTEN_MS = 60_000;

function balance() {
  let now = 0;
  const of = new Balance({ now: () => now, random: () => 0 });
  return {
    of,
    later: () => void (now += FORGOTTEN_MS),
    next: (run: string) => of.choose(service, INSTANCES, run),
  };
}

test("B1, D42: tasks that come at once spread over instances that say nothing yet", () => {
  const { next } = balance();
  expect([next("1"), next("2"), next("3"), next("4")]).toEqual(["a", "b", "a", "b"]);
});

test.each([
  ["the wait broke", () => Promise.reject(new StoreUnavailable("away"))],
  ["the run goes on", () => Promise.resolve({ kind: "waiting" })],
])("B2: a task counts while it is waited for, and is forgotten a while after %s", async (_why, end) => {
  const { of, later, next } = balance();
  expect(next("1")).toBe("a");
  const waiting = of.during("1", async () => {
    later();
    // Nobody has as few tasks as the other one: this one counts still.
    expect([next("2"), next("3")]).toEqual(["b", "a"]);
    for (const run of ["2", "3"]) of.hold(run)(true);
    return end();
  });
  await waiting.catch(() => undefined);
  expect(next("4")).toBe("b");
  of.hold("4")(true);
  later();
  expect(next("5")).toBe("a");
});

test("B2: a task that nobody waits for, or that could not even be stored, is forgotten after a while", () => {
  const { of, later, next } = balance();
  expect([next("1"), next("2")]).toEqual(["a", "b"]);
  of.hold("2")(true);
  later();
  // Were the first one still counted, it would be b's turn for ever.
  expect(next("3")).toBe("a");
});
