/** Installs a CustomResourceDefinition and waits until the API server serves its objects. */
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import type { ApiServer } from "./api-server.ts";

const Crd = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ plural: z.string() }),
    versions: z.array(z.looseObject({ name: z.string(), served: z.boolean() })),
  }),
});

const PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** Throws with the server's words when it refuses the definition. */
export async function installCrd(
  api: Pick<ApiServer, "request">,
  manifest: unknown,
  timeoutMs = 30_000,
): Promise<void> {
  const { metadata, spec } = Crd.parse(manifest);
  const answer = await api.request("POST", PATH, manifest);
  if (answer.status !== 201) throw new Error(`${metadata.name}: ${JSON.stringify(answer.body)}`);
  const deadline = performance.now() + timeoutMs;
  for (const version of spec.versions.filter(({ served }) => served)) {
    const path = `/apis/${spec.group}/${version.name}/${spec.names.plural}`;
    while ((await api.request("GET", path)).status !== 200) {
      if (performance.now() > deadline) {
        const definition = await api.request("GET", `${PATH}/${metadata.name}`);
        throw new Error(`${path} is not served: ${JSON.stringify(definition.body["status"])}`);
      }
      await delay(20);
    }
  }
}
