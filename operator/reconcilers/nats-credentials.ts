/**
 * As whom an agent's or a router's pods sign in to NATS: nobody, a user of the namespace that an admin made, or one that
 * is made here (ADR 0015).
 *
 * K1  Made once, never renewed unasked: deleted by the user, it is made anew; with another signing key another is made.
 */
import { nameOf } from "#core/api/object-key.ts";
import type { Deps } from "../deps.ts";
import { guestOf, type GuestOwner, guestSecret, guestSecretName } from "../resources/nats-secret.ts";
import { NATS_CREDS } from "../resources/pod.ts";

export type NatsCredentials =
  | { readonly kind: "none" }
  | { readonly kind: "secret"; readonly name: string }
  | { readonly kind: "missing"; readonly message: string };

type CredentialDeps = Pick<Deps, "config" | "references" | "children" | "natsSigner">;

export async function natsCredentials(owner: GuestOwner, deps: CredentialDeps): Promise<NatsCredentials> {
  const given = await deps.natsSigner();
  if (given !== undefined) return made(owner, given, deps);
  const { natsSecret } = deps.config.executor;
  if (natsSecret === undefined) return { kind: "none" };
  if (await isThere(owner, natsSecret, deps)) return { kind: "secret", name: natsSecret };
  return { kind: "missing", message: `Secret "${natsSecret}" has no key "${NATS_CREDS}": the user for NATS` };
}

/** K1. */
async function made(
  owner: GuestOwner,
  given: NonNullable<Awaited<ReturnType<Deps["natsSigner"]>>>,
  deps: CredentialDeps,
): Promise<NatsCredentials> {
  if (given.kind === "refused")
    return { kind: "missing", message: `the operator's signing key for NATS: ${given.message}` };
  const { signer } = given;
  const name = guestSecretName(owner, signer.id);
  if (await isThere(owner, name, deps)) return { kind: "secret", name };
  const secret = guestSecret(owner, signer.id, await signer.credentials(guestOf(owner)));
  const outcome = await deps.children.create("Secret", secret);
  if (outcome.kind === "refused") return { kind: "missing", message: `Secret ${name}: ${outcome.message}` };
  return { kind: "secret", name };
}

async function isThere(owner: GuestOwner, name: string, { references }: CredentialDeps): Promise<boolean> {
  const { namespace } = nameOf(owner);
  const { value } = await references.secret(namespace, name);
  return (value(NATS_CREDS) ?? "") !== "";
}
