/** How an object is called: by namespace and name, or by both in one word where it is a key of a map or a queue. */
export type ObjectKey = { readonly namespace: string; readonly name: string };

export type Named = { readonly metadata: { readonly namespace?: string; readonly name?: string } };

export function nameOf({ metadata }: Named): ObjectKey {
  return { namespace: metadata.namespace ?? "default", name: metadata.name ?? "" };
}

/** `<namespace>/<name>`. */
export function keyText({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}

export function keyOf(object: Named): string {
  return keyText(nameOf(object));
}
