/**
 * The NetworkPolicy of an agent's pods (api 3, `networkPolicy`): what they may reach.
 *
 * N1  DNS and NATS always: without them a pod does nothing.
 * N2  `default`: beside what it names, every public address; none of the cluster, of its nodes or of its cloud.
 * N3  `strict`: what it names, the collector of its spans, the engine that it may have to wake (P8), and nothing else. A name of the world's DNS is any public
 *     address on that port, because a policy knows no names.
 * N4  Policies add up: who needs more writes another one beside it.
 */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ChildObject } from "#platform/kube/children.ts";
import type { Destination } from "../state/destinations.ts";
import { agentServiceName, LABELS, MANAGED, ownerOf } from "./names.ts";

/** What a destination comes to; a service is resolved to its pods before. */
export type Reach =
  | Exclude<Destination, { kind: "service" }>
  | { readonly kind: "pods"; readonly namespace: string; readonly labels: Labels; readonly port: number | string }
  /** All of a namespace: a service whose pods are not known. */
  | { readonly kind: "namespace"; readonly namespace: string; readonly port: number }
  /** Wherever it is. */
  | { readonly kind: "anywhere"; readonly port: number };

type Labels = Readonly<Record<string, string>>;
type Port = { readonly protocol: "TCP" | "UDP"; readonly port: number | string };
type Peer = {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly namespaceSelector?: { readonly matchLabels: Labels };
  readonly podSelector?: { readonly matchLabels: Labels };
};
type EgressRule = { readonly ports?: readonly Port[]; readonly to?: readonly Peer[] };

export type NetworkPolicy = ChildObject & {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Labels };
    readonly policyTypes: readonly ["Egress"];
    readonly egress: readonly EgressRule[];
  };
};

/** Private, shared, loopback and link-local ranges: pods, nodes, and the metadata services of clouds. */
const PUBLIC: readonly Peer[] = [
  {
    ipBlock: {
      cidr: "0.0.0.0/0",
      except: ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
    },
  },
  { ipBlock: { cidr: "::/0", except: ["::1/128", "fc00::/7", "fe80::/10"] } },
];

const DNS: EgressRule = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

/** `nats` and `named` in order; undefined: the agent shall have none. */
export function networkPolicy(
  agent: ArkAgent,
  nats: readonly Reach[],
  named: readonly Reach[],
): NetworkPolicy | undefined {
  const { networkPolicy: wish } = agent.spec;
  if (wish === "disabled") return undefined;
  const key = nameOf(agent);
  const labels = { ...MANAGED, [LABELS.agent]: key.name };
  const reached = wish === "strict" ? named : named.filter(({ kind }) => kind !== "public");
  return {
    metadata: {
      name: agentServiceName(key),
      namespace: key.namespace,
      labels,
      ownerReferences: [ownerOf(agent)],
    },
    spec: {
      podSelector: { matchLabels: { [LABELS.agent]: key.name } },
      policyTypes: ["Egress"],
      egress: [DNS, ...nats.map(ruleOf), ...(wish === "default" ? [{ to: PUBLIC }] : []), ...reached.map(ruleOf)],
    },
  };
}

function ruleOf(reach: Reach): EgressRule {
  const ports: readonly Port[] = [{ protocol: "TCP", port: reach.port }];
  const to = peersOf(reach);
  return to === undefined ? { ports } : { ports, to };
}

function peersOf(reach: Reach): readonly Peer[] | undefined {
  switch (reach.kind) {
    case "address":
      return [{ ipBlock: { cidr: reach.cidr } }];
    case "public":
      return PUBLIC;
    case "pods":
      return [{ ...inNamespace(reach.namespace), podSelector: { matchLabels: reach.labels } }];
    case "namespace":
      return [inNamespace(reach.namespace)];
    case "anywhere":
      return undefined;
  }
}

function inNamespace(name: string): Peer {
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } };
}
