import { expect, test } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { HttpRequest } from "#platform/http/exchange.ts";
import { objectRoutes } from "./objects.ts";

const BARE: ArkRun = {
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkRun",
  metadata: { name: "by-hand", namespace: "default", resourceVersion: "1" },
  spec: { teamRef: "blog" },
};
const WHOLE: ArkRun = {
  ...BARE,
  metadata: { ...BARE.metadata, resourceVersion: "2", labels: { team: "blog" } },
  spec: { teamRef: "blog", teamGeneration: 1, timeoutSeconds: 60 },
};

function patching(body: object): HttpRequest {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const params = { namespace: "default", plural: "arkruns", name: "by-hand" };
  return { params, body: () => Promise.resolve({ kind: "read", bytes }) } as unknown as HttpRequest;
}

test("R3: a cancel of a run that gets its snapshot meanwhile takes nothing of it away (P5)", async () => {
  let stored = BARE;
  const objects = {
    get: () => Promise.resolve(stored),
    update: (_kind: string, _key: object, change: (object: ArkRun) => ArkRun) => {
      stored = change(stored);
      return Promise.resolve({ kind: "updated", object: stored });
    },
  } as unknown as Objects;
  let isFirst = true;
  const admit = (object: unknown) => {
    if (isFirst) stored = WHOLE;
    isFirst = false;
    return Promise.resolve({ kind: "admitted", object: object as ArkRun } as const);
  };
  const patch = objectRoutes({ objects, admit }).find(({ method }) => method === "PATCH");
  const answer = await patch?.handle(patching({ metadata: { annotations: { cancel: "true" } } }));
  expect(answer).toMatchObject({ status: 200 });
  expect(stored).toMatchObject({
    spec: WHOLE.spec,
    metadata: { labels: { team: "blog" }, annotations: { cancel: "true" } },
  });
});
