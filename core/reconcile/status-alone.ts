import type { ObjectMeta } from "#core/api/v1alpha1/common.ts";

type Whole = { readonly metadata: ObjectMeta };

/**
 * Whether nothing but its status changed: mostly the reconciler's own words. Looked at as soon as they are said, each
 * would lead to the next as long as runs come.
 */
export function isStatusAlone(now: Whole, before: Whole): boolean {
  return desired(now) === desired(before);
}

/** What people and controllers ask of it; a spec has its generation. One server writes fields in one order. */
function desired({ metadata }: Whole): string {
  const { resourceVersion: _version, managedFields: _fields, ...rest } = metadata;
  return JSON.stringify(rest);
}
