/**
 * Brings a child to what it shall be, and says nothing to the API server where it is that already.
 *
 * A1  A child is written when what it shall be has changed, or when somebody else changed or deleted it.
 * A2  Of a child that is gone nothing is remembered, whoever took it away: most go with their owners.
 */
import { nameOf, type ObjectKey } from "#core/api/object-key.ts";
import type { ChildObject, Children, ResourceName } from "#platform/kube/children.ts";
import { digest } from "./resources/names.ts";
import { childView, type ChildView } from "./state/views.ts";

export type EnsureOutcome =
  | { readonly kind: "same" }
  | { readonly kind: "applied" }
  | { readonly kind: "refused"; readonly message: string };

export type Applier = {
  /** `live`: the child as it was last seen. */
  ensure(name: ResourceName, object: ChildObject, live: ChildView | undefined): Promise<EnsureOutcome>;
  /** Gone already is as good; another's object of this name stays. */
  remove(name: ResourceName, key: ObjectKey, live: ChildView | undefined): Promise<void>;
  /** A2. `key`: `<namespace>/<name>` of a child that is gone. */
  forget(name: ResourceName, key: string): void;
};

type Written = { readonly digest: string; readonly uid: string; readonly version: string };

export function createApplier(children: Pick<Children, "apply" | "delete">): Applier {
  const written = new Map<string, Written>();
  return {
    async ensure(name, object, live) {
      const key = keyOf(name, nameOf(object));
      const wanted = digest(JSON.stringify(object));
      if (isCurrent(written.get(key), wanted, live)) return { kind: "same" };
      const outcome = await children.apply(name, object);
      if (outcome.kind === "refused") return { kind: "refused", message: outcome.message };
      const { uid, version } = childView(outcome.object);
      written.set(key, { digest: wanted, uid, version });
      return { kind: "applied" };
    },
    async remove(name, key, live) {
      written.delete(keyOf(name, key));
      if (live !== undefined) await children.delete(name, key, live.uid);
    },
    forget: (name, key) => void written.delete(`${name}/${key}`),
  };
}

function keyOf(name: ResourceName, key: ObjectKey): string {
  return `${name}/${key.namespace}/${key.name}`;
}

/** A1. */
function isCurrent(last: Written | undefined, wanted: string, live: ChildView | undefined): boolean {
  if (last === undefined || live === undefined) return false;
  return last.digest === wanted && last.uid === live.uid && last.version === live.version;
}
