/**
 * Knative's kinds on a real API server, without Knative: groups, versions and names are its own, what is inside is kept
 * as it comes. The test plays the controllers, by writing statuses.
 */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import * as z from "zod";
import type { ApiServer } from "./api-server.ts";
import { installCrd } from "./crds.ts";

const Kinds = z.array(z.object({ group: z.string(), version: z.string(), kind: z.string(), plural: z.string() }));

export async function installKnative(api: Pick<ApiServer, "request">): Promise<void> {
  const file = path.join(import.meta.dirname, "..", "fixtures", "knative", "crds.json");
  const kinds = Kinds.parse(JSON.parse(await readFile(file, "utf8")));
  await Promise.all(
    kinds.map(({ group, version, kind, plural }) =>
      installCrd(api, {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: `${plural}.${group}` },
        spec: {
          group,
          scope: "Namespaced",
          names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
          versions: [
            {
              name: version,
              served: true,
              storage: true,
              subresources: { status: {} },
              schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
            },
          ],
        },
      }),
    ),
  );
}
