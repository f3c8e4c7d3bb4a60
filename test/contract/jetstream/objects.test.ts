import { afterAll, beforeAll, expect, test } from "vitest";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import { expectNoLeaks, natsBaseline } from "../../harness/leaks.ts";
import { objectStoreContract } from "./object-store.contract.ts";
import { openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

objectStoreContract(() => opened.store.objects);

const team = (name: string) =>
  ({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkTeam",
    metadata: { name, namespace: "many" },
    spec: { pipeline: [] },
  }) as unknown as ArkTeam;

test("J4: a write that changes nothing makes no revision", async () => {
  const { objects } = opened.store;
  const { object } = await objects.create("ArkTeam", team("same"));
  expect(await objects.apply("ArkTeam", team("same"))).toEqual(object);
  const status = { ready: true } as unknown as NonNullable<ArkTeam["status"]>;
  const key = { namespace: "many", name: "same" };
  const first = await objects.writeStatus("ArkTeam", key, status);
  expect(await objects.writeStatus("ArkTeam", key, status)).toEqual(first);
});

test("more objects than a page are listed, and a watch leaves nothing behind", async () => {
  const { objects } = opened.store;
  await Promise.all(Array.from({ length: 600 }, (_, index) => objects.create("ArkTeam", team(`many-${index}`))));
  const listed = await objects.list("ArkTeam", { namespace: "many" });
  expect(new Set(listed.map(({ metadata }) => metadata.name)).size).toBe(listed.length);
  expect(listed.length).toBeGreaterThanOrEqual(600);
  const baseline = await natsBaseline(opened.nats);
  let seen = 0;
  for await (const { type } of objects.watch("ArkTeam", { namespace: "many", signal: AbortSignal.timeout(20_000) })) {
    expect(type).toBe("added");
    seen += 1;
    if (seen === listed.length) break;
  }
  await expectNoLeaks(opened.nats, baseline);
});
