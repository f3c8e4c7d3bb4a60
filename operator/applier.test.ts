import { expect, test } from "vitest";
import type { ChildObject, Children } from "#platform/kube/children.ts";
import { createApplier } from "./applier.ts";
import { childView } from "./state/views.ts";

function place() {
  const writes: string[] = [];
  const apply: Children["apply"] = async (kind, object) => {
    writes.push(`${kind} ${object.metadata.name}`);
    return { kind: "applied", object: { ...object, metadata: { ...object.metadata, uid: "u", generation: 1 } } };
  };
  return { applier: createApplier({ apply, delete: () => expect.unreachable() }), writes };
}

const child = (data: object): ChildObject =>
  Object.assign({ metadata: { namespace: "ns", name: "a" } }, { spec: data });
const live = childView({ metadata: { namespace: "ns", name: "a", uid: "u", generation: 1 } });

test("A1: what is as it shall be is not written", async () => {
  const { applier, writes } = place();
  expect(await applier.ensure("Service", child({ x: 1 }), undefined)).toEqual({ kind: "applied" });
  expect(await applier.ensure("Service", child({ x: 1 }), live)).toEqual({ kind: "same" });
  expect(await applier.ensure("Service", child({ x: 2 }), live)).toEqual({ kind: "applied" });
  expect(await applier.ensure("Service", child({ x: 2 }), { ...live, version: "2" })).toEqual({ kind: "applied" });
  expect(writes).toHaveLength(3);
});

test("A2: of what is gone nothing is remembered, of others what was", async () => {
  const { applier } = place();
  await applier.ensure("Service", child({}), undefined);
  applier.forget("ConfigMap", "ns/a");
  applier.forget("Service", "ns/b");
  expect(await applier.ensure("Service", child({}), live)).toEqual({ kind: "same" });
  applier.forget("Service", "ns/a");
  expect(await applier.ensure("Service", child({}), live)).toEqual({ kind: "applied" });
});
