/** The Secret of a guest of NATS (ADR 0015): its name says whose key signed it, and what it may do. */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import { type Guest, permissionsOf } from "#core/events/guests.ts";
import type { ChildObject } from "#platform/kube/children.ts";
import { agentServiceName, digest, LABELS, MANAGED, ownerOf, routerServiceName } from "./names.ts";
import { NATS_CREDS } from "./pod.ts";

/** Whoever has pods that are guests. */
export type GuestOwner = ArkAgent | ArkService;

export function guestOf(owner: GuestOwner): Guest {
  const { namespace, name } = nameOf(owner);
  return owner.kind === "ArkAgent" ? { namespace, agent: name } : { namespace, service: name };
}

/** Another signing key, or other permissions of this version, make another name: pods go over to it by a revision. */
export function guestSecretName(owner: GuestOwner, signerId: string): string {
  const key = nameOf(owner);
  const pods = owner.kind === "ArkAgent" ? agentServiceName(key) : routerServiceName(key);
  return `${pods}-nats-${digest(JSON.stringify([signerId, permissionsOf(guestOf(owner))])).slice(0, 8)}`;
}

export function guestSecret(
  owner: GuestOwner,
  signerId: string,
  credentials: string,
): ChildObject & { readonly stringData: object } {
  const { namespace, name } = nameOf(owner);
  const label = owner.kind === "ArkAgent" ? LABELS.agent : LABELS.service;
  return {
    metadata: {
      name: guestSecretName(owner, signerId),
      namespace,
      labels: { ...MANAGED, [label]: name },
      ownerReferences: [ownerOf(owner)],
    },
    stringData: { [NATS_CREDS]: credentials },
  };
}
