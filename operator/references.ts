/**
 * ConfigMaps, Secrets and services that users' objects name, read by name alone (D43), and remembered for a moment.
 *
 * R1  What is remembered is at most `freshMs` old: a change is seen within that and one look.
 */
import type { Children } from "#platform/kube/children.ts";
import { configMapValue, secretValue } from "./resources/token-secret.ts";
import { type ServiceView, serviceView } from "./state/service-view.ts";

export type Named = {
  /** Changes with the object; empty where there is none. */
  readonly version: string;
  readonly value: (key: string) => string | undefined;
  readonly values: () => Readonly<Record<string, string>>;
};

export type References = {
  configMap(namespace: string, name: string): Promise<Named>;
  secret(namespace: string, name: string): Promise<Named>;
  service(namespace: string, name: string): Promise<ServiceView>;
};

type Remembered<T> = { readonly at: number; readonly reading: Promise<T> };

const MAX_REMEMBERED = 1_000;

export function createReferences(
  children: Pick<Children, "get">,
  freshMs: number,
  monotonic: () => number,
): References {
  const now = { freshMs, monotonic };
  const configMap = memory((namespace, name) => load(children, "ConfigMap", namespace, name), now);
  const secret = memory((namespace, name) => load(children, "Secret", namespace, name), now);
  const service = memory(
    async (namespace, name) => serviceView(await children.get("CoreService", { namespace, name })),
    now,
  );
  return { configMap, secret, service };
}

type Read<T> = (namespace: string, name: string) => Promise<T>;

/** R1. */
function memory<T>(read: Read<T>, now: { readonly freshMs: number; readonly monotonic: () => number }): Read<T> {
  const { freshMs, monotonic } = now;
  const remembered = new Map<string, Remembered<T>>();
  return (namespace, name) => {
    const key = `${namespace}/${name}`;
    const known = remembered.get(key);
    if (known !== undefined && monotonic() - known.at < freshMs) return known.reading;
    const reading = read(namespace, name);
    remembered.delete(key);
    remembered.set(key, { at: monotonic(), reading });
    reading.catch(() => remembered.delete(key));
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    return reading;
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
