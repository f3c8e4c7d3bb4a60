/**
 * Users of the guests' account, made here: whoever holds a signing key of the account asks no server (ADR 0015).
 *
 * U1  A user has the permissions of its guest and no end: it is revoked in the account, or goes with its signing key.
 */
import { createUser, encodeUser, fmtCreds, fromSeed, type KeyPair } from "@nats-io/jwt";
import { type Guest, permissionsOf } from "#core/events/guests.ts";

export type UserSigner = {
  /** Public key of the signing key: users of another one are not of this one. */
  readonly id: string;
  /** A `.creds` file of a new user. */
  credentials(guest: Guest): Promise<string>;
};

export type SignerOutcome =
  | { readonly kind: "signer"; readonly signer: UserSigner }
  | { readonly kind: "refused"; readonly message: string };

/** `seed`: a line of a file, as nsc writes it. `account`: public key of the account, where `seed` is not its identity key but one of its signing keys. */
export function userSigner(seed: string, account?: string): SignerOutcome {
  const [found = ""] = /^SA[A-Z2-7]+$/m.exec(seed) ?? [];
  const key = accountKey(found);
  if (key === undefined) return { kind: "refused", message: "it is no seed of an account's key (SA…)" };
  const id = key.getPublicKey();
  return { kind: "signer", signer: { id, credentials: (guest) => credentials(key, account ?? id, guest) } };
}

function accountKey(seed: string): KeyPair | undefined {
  try {
    const key = fromSeed(new TextEncoder().encode(seed));
    return key.getPublicKey().startsWith("A") ? key : undefined;
  } catch {
    return undefined;
  }
}

async function credentials(signer: KeyPair, account: string, guest: Guest): Promise<string> {
  const user = createUser();
  const { publish, subscribe } = permissionsOf(guest);
  const own = "agent" in guest ? `agent ${guest.agent}` : `service ${guest.service}`;
  const rights = { pub: { allow: [...publish] }, sub: { allow: [...subscribe] } };
  const delegated = account === signer.getPublicKey() ? {} : { signer };
  const token = await encodeUser(
    `${guest.namespace} ${own}`,
    user,
    "signer" in delegated ? account : signer,
    rights,
    delegated,
  );
  return new TextDecoder().decode(fmtCreds(token, user));
}
