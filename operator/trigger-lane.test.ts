import { expect, test } from "vitest";
import type { ChildObject } from "#platform/kube/children.ts";
import type { ChildView } from "./state/views.ts";
import { createTriggerLane } from "./trigger-lane.ts";

const NS = "ark-system";
const trigger = (name: string): ChildObject => ({
  apiVersion: "eventing.knative.dev/v1",
  kind: "Trigger",
  metadata: { name, namespace: NS },
});
const seen = (name: string, uid = `uid-${name}`): ChildView =>
  ({ name, namespace: NS, uid, version: "1" }) as unknown as ChildView;

/** What Knative would hold: a Subscription for each Trigger, until it has taken it away itself. */
function place() {
  let clock = 0;
  const ready = new Set<string>();
  const subscriptions = new Map<string, ChildObject>();
  const subscribed = (name: string, metadata: Partial<ChildObject["metadata"]> = {}) =>
    subscriptions.set(name, {
      apiVersion: "messaging.knative.dev/v1",
      kind: "Subscription",
      metadata: {
        name,
        namespace: NS,
        ownerReferences: [{ apiVersion: "eventing.knative.dev/v1", kind: "Trigger", name, uid: `uid-${name}` }],
        ...metadata,
      },
    });
  const made: string[] = [];
  const removed: string[] = [];
  const lane = createTriggerLane({
    children: { list: async () => [...subscriptions.values()] },
    applier: {
      ensure: async (_kind, { metadata }) => {
        made.push(metadata.name ?? "");
        return { kind: "applied" };
      },
      remove: async (_kind, { name }) => void removed.push(name),
    },
    isReady: (key) => ready.has(key),
    now: () => clock,
    patienceMs: 60_000,
    comingMs: 5_000,
  });
  return {
    lane,
    made,
    removed,
    subscribed,
    unsubscribed: (name: string) => subscriptions.delete(name),
    ready: (name: string) => ready.add(`${NS}/${name}`),
    pass: (ms: number) => (clock += ms),
    make: (name: string) => lane.ensure(trigger(name), undefined),
    go: (name: string) => lane.remove({ namespace: NS, name }, seen(name)),
  };
}

test("N1: none comes while another goes; others come together", async () => {
  const { make, go, subscribed, unsubscribed, made, removed } = place();
  subscribed("old");
  expect(await go("old")).toBe("gone");
  expect(await make("new")).toBe("later");
  expect(await go("other")).toBe("later");
  unsubscribed("old");
  expect(await Promise.all(["new", "next"].map(make))).toEqual([{ kind: "applied" }, { kind: "applied" }]);
  expect({ made, removed }).toEqual({ made: ["new", "next"], removed: ["old"] });
});

test("N1, N3: none goes while another comes: until it is Ready, or for as long as that may take", async () => {
  const { make, go, ready, pass } = place();
  await make("new");
  expect(await go("old")).toBe("later");
  ready("new");
  expect(await go("old")).toBe("gone");
  await make("never-ready");
  expect(await go("older")).toBe("later");
  pass(5_000);
  expect(await go("older")).toBe("gone");
});

test("N3: a Subscription that does not go holds the others up for so long and no longer", async () => {
  const { make, go, subscribed, pass } = place();
  subscribed("stuck");
  await go("stuck");
  expect(await make("new")).toBe("later");
  pass(60_000);
  expect(await make("new")).toEqual({ kind: "applied" });
});

test("N4: a Trigger that somebody deleted is made anew once its Subscription is gone", async () => {
  const { lane, make, made, subscribed, unsubscribed } = place();
  subscribed("mine");
  await lane.ensure(trigger("mine"), seen("mine"));
  expect(await make("mine")).toBe("later");
  unsubscribed("mine");
  expect(await make("mine")).toEqual({ kind: "applied" });
  expect(made).toEqual(["mine", "mine"]);
});

test("N4: so does one that somebody deleted and nobody wants, or has made anew", async () => {
  const { lane, make, subscribed, unsubscribed } = place();
  for (const name of ["dropped", "replaced"]) {
    subscribed(name);
    await lane.ensure(trigger(name), seen(name));
  }
  expect(await lane.remove({ namespace: NS, name: "dropped" }, undefined)).toBe("gone");
  expect(await make("new")).toBe("later");
  unsubscribed("dropped");
  await lane.ensure(trigger("replaced"), seen("replaced", "uid-of-another"));
  expect(await make("new")).toBe("later");
  unsubscribed("replaced");
  expect(await make("new")).toEqual({ kind: "applied" });
});
