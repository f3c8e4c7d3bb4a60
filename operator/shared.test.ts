import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import type { ChildObject, Children } from "#platform/kube/children.ts";
import { createApplier } from "./applier.ts";
import { parseConfig, readEnv } from "./config.ts";
import { keepShared } from "./shared.ts";
import { childView } from "./state/views.ts";
import { createTriggerLane } from "./trigger-lane.ts";

const NS = "ark-system";
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT };

/** As much of an API server as they need. */
function place() {
  const stored = new Map<string, ChildObject>();
  const put = (kind: string, object: ChildObject) => {
    const { name = "" } = object.metadata;
    const made = { ...object, metadata: { ...object.metadata, uid: `uid-${name}`, generation: 1 } };
    stored.set(`${kind} ${name}`, made);
    return made;
  };
  const children: Children = {
    get: async (kind, { name }) => stored.get(`${kind} ${name}`),
    list: async (kind) => [...stored].flatMap(([key, object]) => (key.startsWith(`${kind} `) ? [object] : [])),
    apply: async (kind, object) => ({ kind: "applied", object: put(kind, object) }),
    delete: async (kind, { name }) => (stored.delete(`${kind} ${name}`) ? "deleted" : "absent"),
    create: () => expect.unreachable(),
    watch: () => expect.unreachable(),
  };
  return { stored, put, children };
}

test("N1: the Trigger of nested teams comes as any other: not while another one goes", async () => {
  const { stored, put, children } = place();
  const parsed = parseConfig(readEnv({ ARK_NATS_URL: "nats://nats", ARK_EXECUTOR_IMAGE: "example.org/executor:1" }));
  if (parsed.kind === "faults") return expect.unreachable();
  const { config } = parsed;
  const applier = createApplier(children);
  const triggerLane = createTriggerLane({ children, applier, isReady: () => true, now: () => 0 });
  const look = async () => {
    const once = new AbortController();
    const kept = keepShared({ applier, children, config, triggerLane, log: SILENT }, once.signal);
    once.abort();
    await kept;
    return [...stored.keys()].filter((key) => key.startsWith("Trigger "));
  };
  const old = put("Trigger", { metadata: { name: "old", namespace: NS } });
  const owner = { apiVersion: "eventing.knative.dev/v1", kind: "Trigger", name: "old", uid: "uid-old" };
  put("Subscription", { metadata: { name: "of-old", namespace: NS, ownerReferences: [owner] } });
  expect(await triggerLane.remove({ namespace: NS, name: "old" }, childView(old))).toBe("gone");
  expect(await look()).toEqual([]);
  stored.delete("Subscription of-old");
  expect(await look()).toEqual(["Trigger ark-run-requests"]);
});
