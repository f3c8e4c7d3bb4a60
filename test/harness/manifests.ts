/** The manifests of `knative/` as they stand, for tests that have an API server and no cluster. */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { parseAllDocuments } from "yaml";
import * as z from "zod";
import type { Ask } from "./kube-rest.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
export type Manifest = z.output<typeof Manifest>;

/** All documents of a file; `file` from the root of the repository. */
export async function manifests(file: string): Promise<Manifest[]> {
  const text = await readFile(path.join(ROOT, file), "utf8");
  return parseAllDocuments(text).map((document) => Manifest.parse(document.toJS()));
}

const PLURALS: Readonly<Record<string, { readonly plural: string; readonly namespaced: boolean }>> = {
  Namespace: { plural: "namespaces", namespaced: false },
  ServiceAccount: { plural: "serviceaccounts", namespaced: true },
  ClusterRole: { plural: "clusterroles", namespaced: false },
  ClusterRoleBinding: { plural: "clusterrolebindings", namespaced: false },
  Role: { plural: "roles", namespaced: true },
  RoleBinding: { plural: "rolebindings", namespaced: true },
};

/** Creates each; those that name no namespace stand in `namespace`, as the kustomization says. */
export async function create(request: Ask, objects: readonly Manifest[], namespace: string): Promise<void> {
  for (const object of objects) {
    const known = PLURALS[object.kind];
    if (known === undefined) throw new Error(`no plural of ${object.kind} is known here`);
    const { apiVersion, kind, metadata } = object;
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const scope = known.namespaced ? `/namespaces/${metadata.namespace ?? namespace}` : "";
    const answer = await request("POST", `${root}${scope}/${known.plural}`, object);
    if (answer.status !== 201) throw new Error(`${kind} ${metadata.name}: ${JSON.stringify(answer.body)}`);
  }
}
