/** A create that the API server refuses with 409 for another reason than the name: a quota that is written meanwhile. */
import { expect, test } from "vitest";
import type { ArkSettings } from "#core/api/v1alpha1/ark-settings.ts";
import { kubeChildren } from "#platform/kube/children.ts";
import { openKube } from "#platform/kube/client.ts";
import { kubeObjects } from "#platform/kube/objects.ts";
import { startKube } from "../../harness/kube.ts";

const MESSAGE = "Operation cannot be fulfilled on resourcequotas: the object has been modified";

const busy = () =>
  startKube((request, response) => {
    response.statusCode = request.method === "POST" ? 409 : 404;
    response.end(JSON.stringify({ reason: request.method === "POST" ? "Conflict" : "NotFound", message: MESSAGE }));
  });

test("what was not made does not exist: it is refused, and not asked for again without end", async () => {
  await using there = await busy();
  const objects = kubeObjects(openKube({ kubeconfig: there.kubeconfig }), "test");
  const settings: ArkSettings = {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkSettings",
    metadata: { namespace: "default", name: "one" },
    spec: {},
  };
  await expect(objects.create("ArkSettings", settings)).rejects.toThrow(MESSAGE);
});

test("D2: a child that was not made is refused with the server's words", async () => {
  await using there = await busy();
  const children = kubeChildren(openKube({ kubeconfig: there.kubeconfig }), "test");
  const outcome = await children.create("Secret", { metadata: { namespace: "default", name: "token" } });
  expect(outcome).toEqual({ kind: "refused", status: 409, message: MESSAGE });
});
