/**
 * The bearer token of a webhook, or of a service (api 15).
 *
 * T1  Made once, never rotated unasked: of two that make it, one wins and both read it.
 * T2  Deleted by the user, it is made anew; changed, the new one counts; emptied, none does and the owner says so. All
 *     of it within what a reference is remembered for: an owner is looked at with each of its runs.
 */
import { nameOf } from "#core/api/object-key.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import type { Deps } from "../deps.ts";
import { tokenIn, tokenOf, type TokenOwner, tokenSecret, tokenSecretName } from "../resources/token-secret.ts";

export type TokenOutcome =
  | { readonly kind: "digest"; readonly digest: string }
  | { readonly kind: "missing"; readonly message: string };

export async function bearerToken(
  owner: TokenOwner,
  { children, newToken, references }: Pick<Deps, "children" | "newToken" | "references">,
): Promise<TokenOutcome> {
  const { namespace } = nameOf(owner);
  const name = tokenSecretName(owner);
  const remembered = tokenOf((await references.secret(namespace, name)).value);
  if (remembered !== undefined) return { kind: "digest", digest: tokenDigest(remembered) };
  const read = () => children.get("Secret", { namespace, name });
  let secret = await read();
  if (secret === undefined) {
    const made = await children.create("Secret", tokenSecret(owner, newToken()));
    if (made.kind === "refused") return { kind: "missing", message: `Secret ${name}: ${made.message}` };
    secret = made.kind === "applied" ? made.object : await read();
  }
  const token = secret === undefined ? undefined : tokenIn(secret);
  if (token === undefined) return { kind: "missing", message: `Secret ${name} has no key "token"` };
  return { kind: "digest", digest: tokenDigest(token) };
}
