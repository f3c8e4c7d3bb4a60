import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import type { ArkSettings } from "#core/api/v1alpha1/ark-settings.ts";
import type { Objects, WatchEvent } from "#core/ports/objects.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import { openKube } from "#platform/kube/client.ts";
import { kubeObjects } from "#platform/kube/objects.ts";
import { type ApiServer, startApiServer } from "../../harness/api-server.ts";

let api: ApiServer;
let objects: Objects;

beforeAll(async () => {
  api = await startApiServer();
  for (const file of (await readdir("crds")).filter((name) => name.endsWith(".yaml"))) {
    const crd = parse(await readFile(path.join("crds", file), "utf8"));
    await api.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
  }
  objects = kubeObjects(openKube({ kubeconfig: api.kubeconfig }), "ark-test");
  await vi.waitUntil(() => objects.list("ArkSettings").catch(() => undefined), { timeout: 20_000 });
});
afterAll(() => api[Symbol.asyncDispose]());

function settings(name: string, temperature: string): ArkSettings {
  return {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkSettings",
    metadata: { name, namespace: "default" },
    spec: { temperature },
  };
}
const key = (name: string) => ({ namespace: "default", name });

test("create gives the stored object, a second one of the name says that it exists", async () => {
  const created = await objects.create("ArkSettings", settings("one", "0.1"));
  expect(created).toMatchObject({ kind: "created", object: { metadata: { generation: 1 } } });
  const again = await objects.create("ArkSettings", settings("one", "0.9"));
  expect(again).toMatchObject({ kind: "exists", object: { spec: { temperature: "0.1" } } });
  expect(await objects.get("ArkSettings", key("gone"))).toBeUndefined();
});

test("apply replaces the spec and leaves the status; a status leaves the generation", async () => {
  await objects.apply("ArkSettings", settings("two", "0.1"));
  expect(await objects.writeStatus("ArkSettings", key("two"), { observedGeneration: 1 })).toMatchObject({
    kind: "updated",
    object: { metadata: { generation: 1 }, status: { observedGeneration: 1 } },
  });
  const applied = await objects.apply("ArkSettings", settings("two", "0.2"));
  expect(applied).toMatchObject({ metadata: { generation: 2 }, status: { observedGeneration: 1 } });
  expect(await objects.writeStatus("ArkSettings", key("gone"), {})).toEqual({ kind: "absent" });
});

test("an update meets no other writer half-way", async () => {
  await objects.apply("ArkSettings", settings("three", "0.1"));
  const label = (name: string) =>
    objects.update("ArkSettings", key("three"), (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: { ...object.metadata.labels, [name]: "x" } },
    }));
  await Promise.all(["a", "b", "c", "d"].map(label));
  expect((await objects.get("ArkSettings", key("three")))?.metadata.labels).toEqual({ a: "x", b: "x", c: "x", d: "x" });
  expect(await objects.list("ArkSettings", { labels: { a: "x" } })).toHaveLength(1);
});

test("I1: a watch gives what is there, then changes, and goes on after the API server was away", async () => {
  await objects.apply("ArkSettings", settings("four", "0.1"));
  const stop = new AbortController();
  const seen: WatchEvent<"ArkSettings">[] = [];
  const watching = (async () => {
    for await (const event of objects.watch("ArkSettings", { namespace: "default", signal: stop.signal }))
      if (event.object.metadata.name === "four") seen.push(event);
  })();
  await expect.poll(() => seen.map((event) => event.type), { timeout: 10_000 }).toEqual(["added"]);
  await api.restart();
  await expect
    .poll(
      () =>
        objects.apply("ArkSettings", settings("four", "0.3")).then(
          () => true,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true);
  await expect.poll(() => seen.at(-1)?.object.spec.temperature, { timeout: 20_000 }).toBe("0.3");
  expect(await objects.delete("ArkSettings", key("four"))).toBe("deleted");
  await expect.poll(() => seen.at(-1)?.type, { timeout: 10_000 }).toBe("deleted");
  expect(await objects.delete("ArkSettings", key("four"))).toBe("absent");
  stop.abort();
  await watching;
});

test("P8: an API server that is away is StoreUnavailable", async () => {
  await api.stop();
  await expect(objects.get("ArkSettings", key("one"))).rejects.toBeInstanceOf(StoreUnavailable);
  await api.restart();
});
