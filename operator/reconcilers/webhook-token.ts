/**
 * The bearer token of a webhook (api 15).
 *
 * T1  Made once, never rotated unasked: of two that make it, one wins and both read it.
 * T2  Deleted by the user, it is made anew; changed, the new one counts; emptied, none does and the event says so.
 */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import type { Deps } from "../deps.ts";
import { nameOf, tokenSecretName } from "../resources/names.ts";
import { tokenIn, tokenSecret } from "../resources/token-secret.ts";

export type TokenOutcome =
  | { readonly kind: "digest"; readonly digest: string }
  | { readonly kind: "missing"; readonly message: string };

export async function webhookToken(
  event: ArkEvent,
  { children, newToken }: Pick<Deps, "children" | "newToken">,
): Promise<TokenOutcome> {
  const key = nameOf(event);
  const name = tokenSecretName(key);
  const read = () => children.get("Secret", { namespace: key.namespace, name });
  let secret = await read();
  if (secret === undefined) {
    const made = await children.create("Secret", tokenSecret(event, newToken()));
    if (made.kind === "refused") return { kind: "missing", message: `Secret ${name}: ${made.message}` };
    secret = made.kind === "applied" ? made.object : await read();
  }
  const token = secret === undefined ? undefined : tokenIn(secret);
  if (token === undefined) return { kind: "missing", message: `Secret ${name} has no key "token"` };
  return { kind: "digest", digest: tokenDigest(token) };
}
