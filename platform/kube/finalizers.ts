/** Finalizers of an object, written as a whole list on the version that was read: two writers never undo one another. */
import type { Kind } from "#core/api/objects.ts";
import type { Kube } from "./client.ts";
import { ApiRefused, pathOf } from "./objects.ts";

export type Finalizers = {
  /** `absent`: it is gone, or another object has its name. */
  add(kind: Kind, key: Key, finalizer: string): Promise<"written" | "absent">;
  remove(kind: Kind, key: Key, finalizer: string): Promise<"written" | "absent">;
};
type Key = { readonly namespace: string; readonly name: string; readonly uid: string };
type Found = {
  readonly metadata: {
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly finalizers?: readonly string[];
  };
};

const MAX_ROUNDS = 20;

export function kubeFinalizers(kube: Kube, fieldManager: string): Finalizers {
  const change = async (kind: Kind, key: Key, next: (now: readonly string[]) => readonly string[]) => {
    const path = pathOf(kind, key.namespace, key.name);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const answer = await kube.request({ method: "GET", path });
      if (answer.status === 404) return "absent";
      if (answer.status !== 200) throw new ApiRefused(answer, `get ${kind} ${key.name}`);
      const { metadata } = answer.body as Found;
      if (metadata.uid !== key.uid) return "absent";
      const now = metadata.finalizers ?? [];
      const finalizers = next(now);
      if (finalizers.length === now.length) return "written";
      const { resourceVersion } = metadata;
      const written = await kube.request({
        method: "PATCH",
        path,
        query: { fieldManager },
        contentType: "application/merge-patch+json",
        body: { metadata: { resourceVersion, finalizers } },
      });
      if (written.status === 404) return "absent";
      if (written.status === 200) return "written";
      if (written.status !== 409) throw new ApiRefused(written, `write the finalizers of ${kind} ${key.name}`);
    }
    throw new Error(`${kind} ${key.name}: another writer always came between`);
  };
  return {
    add: (kind, key, finalizer) => change(kind, key, (now) => [...new Set([...now, finalizer])]),
    remove: (kind, key, finalizer) => change(kind, key, (now) => now.filter((one) => one !== finalizer)),
  };
}
