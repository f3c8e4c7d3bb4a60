/** The Secret of a webhook's bearer token: made once, then the user's (api 15). */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ChildObject } from "#platform/kube/children.ts";
import { LABELS, MANAGED, nameOf, ownerOf, tokenSecretName } from "./names.ts";

const TOKEN_KEY = "token";

export function tokenSecret(event: ArkEvent, token: string): ChildObject & { readonly stringData: object } {
  const key = nameOf(event);
  return {
    metadata: {
      name: tokenSecretName(key),
      namespace: key.namespace,
      labels: { ...MANAGED, [LABELS.namespace]: key.namespace, [LABELS.event]: key.name },
      ownerReferences: [ownerOf(event)],
    },
    stringData: { [TOKEN_KEY]: token },
  };
}

/** The token of a Secret as the API gives it; undefined where it holds none. */
export function tokenIn(secret: object): string | undefined {
  const token = secretValue(secret, TOKEN_KEY)?.trim();
  return token === "" ? undefined : token;
}

export function secretValue(secret: object, key: string): string | undefined {
  const text = stringIn(secret, "data", key);
  return text === undefined ? undefined : Buffer.from(text, "base64").toString("utf8");
}

export function configMapValue(configMap: object, key: string): string | undefined {
  return stringIn(configMap, "data", key);
}

function stringIn(object: object, field: string, key: string): string | undefined {
  const data: unknown = Object.entries(object).find(([name]) => name === field)?.[1];
  if (typeof data !== "object" || data === null) return undefined;
  const value: unknown = Object.entries(data).find(([name]) => name === key)?.[1];
  return typeof value === "string" ? value : undefined;
}
