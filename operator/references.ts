/**
 * ConfigMaps and Secrets that users' objects name, read by name alone (D43), and remembered for a moment.
 *
 * R1  What is remembered is at most `freshMs` old: a change is seen within that and one look.
 */
import type { Children } from "#platform/kube/children.ts";
import { configMapValue, secretValue } from "./resources/token-secret.ts";

export type Named = {
  /** Changes with the object; empty where there is none. */
  readonly version: string;
  readonly value: (key: string) => string | undefined;
  readonly values: () => Readonly<Record<string, string>>;
};

export type References = {
  configMap(namespace: string, name: string): Promise<Named>;
  secret(namespace: string, name: string): Promise<Named>;
};

type Remembered = { readonly at: number; readonly reading: Promise<Named> };

const MAX_REMEMBERED = 1_000;

export function createReferences(
  children: Pick<Children, "get">,
  freshMs: number,
  monotonic: () => number,
): References {
  const remembered = new Map<string, Remembered>();
  const read = (kind: "ConfigMap" | "Secret", namespace: string, name: string): Promise<Named> => {
    const key = `${kind}/${namespace}/${name}`;
    const known = remembered.get(key);
    if (known !== undefined && monotonic() - known.at < freshMs) return known.reading;
    const reading = load(children, kind, namespace, name);
    remembered.delete(key);
    remembered.set(key, { at: monotonic(), reading });
    reading.catch(() => remembered.delete(key));
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    return reading;
  };
  return {
    configMap: (namespace, name) => read("ConfigMap", namespace, name),
    secret: (namespace, name) => read("Secret", namespace, name),
  };
}

async function load(
  children: Pick<Children, "get">,
  kind: "ConfigMap" | "Secret",
  namespace: string,
  name: string,
): Promise<Named> {
  const object = await children.get(kind, { namespace, name });
  if (object === undefined) return { version: "", value: () => undefined, values: () => ({}) };
  const read = kind === "Secret" ? secretValue : configMapValue;
  const value = (key: string) => read(object, key);
  const keys =
    "data" in object && typeof object.data === "object" && object.data !== null ? Object.keys(object.data) : [];
  return {
    version: object.metadata.resourceVersion ?? "",
    value,
    values: () => Object.fromEntries(keys.map((key) => [key, value(key) ?? ""])),
  };
}
