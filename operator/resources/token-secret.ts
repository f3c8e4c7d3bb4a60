/** The Secret of a bearer token, of a webhook or of a service: made once, then the user's (api 15). */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import type { ChildObject } from "#platform/kube/children.ts";
import { LABELS, MANAGED, ownerOf, serviceTokenName, webhookTokenName } from "./names.ts";

const TOKEN_KEY = "token";

export type TokenOwner = ArkEvent | ArkService;

export function tokenSecretName(owner: TokenOwner): string {
  const key = nameOf(owner);
  return owner.kind === "ArkEvent" ? webhookTokenName(key) : serviceTokenName(key);
}

export function tokenSecret(owner: TokenOwner, token: string): ChildObject & { readonly stringData: object } {
  const { namespace, name } = nameOf(owner);
  const label = owner.kind === "ArkEvent" ? LABELS.event : LABELS.service;
  return {
    metadata: {
      name: tokenSecretName(owner),
      namespace,
      labels: { ...MANAGED, [LABELS.namespace]: namespace, [label]: name },
      ownerReferences: [ownerOf(owner)],
    },
    stringData: { [TOKEN_KEY]: token },
  };
}

/** The token of a Secret as the API gives it; undefined where it holds none. */
export function tokenIn(secret: object): string | undefined {
  return tokenOf((key) => secretValue(secret, key));
}

/** The same, of values that are read already. */
export function tokenOf(value: (key: string) => string | undefined): string | undefined {
  const token = value(TOKEN_KEY)?.trim();
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
