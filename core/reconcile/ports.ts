/**
 * Which ArkService has which port (D42, api 5).
 *
 * N1  A port is one number of the whole installation: at most one service has it, of whatever namespace.
 * N2  The older service has it. Names decide between services of one second, so that everybody decides alike.
 * N3  A port that is refused costs nothing else: the service's other port is decided by itself.
 */
import { keyOf } from "../api/object-key.ts";
import type { ArkService } from "../api/v1alpha1/ark-service.ts";
import type { ServicePort } from "../ports/services.ts";

export type PortRules = {
  /** Ports that are somebody else's, and whose: `the front door's`. */
  readonly reserved: ReadonlyMap<number, string>;
  /** How many are opened in all. */
  readonly most: number;
};

export type PortDecision = {
  readonly won: readonly ServicePort[];
  /** Each with its field's path. */
  readonly refused: readonly string[];
};

/** Listeners of one process, and ports of one Kubernetes Service. */
export const MOST_PORTS = 64;

/** By `<namespace>/<name>`. */
export function assignPorts(services: Iterable<ArkService>, rules: PortRules): ReadonlyMap<string, PortDecision> {
  const holders = new Map<number, string>();
  const decisions = new Map<string, PortDecision>();
  for (const service of [...services].toSorted(byAge)) {
    const key = keyOf(service);
    const won: ServicePort[] = [];
    const refused: string[] = [];
    service.spec.ports.forEach(({ port, protocol }, index) => {
      const why = refusal(port, holders, rules);
      if (why !== undefined) return void refused.push(`${portPath(index)}: ${why}`);
      holders.set(port, key);
      won.push({ port, protocol });
    });
    decisions.set(key, { won, refused });
  }
  return decisions;
}

/** What of a service's ports leads nowhere, or undefined. `faultOf`: why a port that it has cannot be opened. */
export function portConflict(
  { spec }: ArkService,
  { won, refused }: PortDecision,
  faultOf: (port: number) => string | undefined,
): string | undefined {
  const faults = spec.ports.flatMap(({ port }, index) => {
    const fault = won.some((one) => one.port === port) ? faultOf(port) : undefined;
    return fault === undefined ? [] : [`${portPath(index)}: ${port} cannot be opened: ${fault}`];
  });
  const all = [...refused, ...faults];
  return all.length === 0 ? undefined : all.join("; ");
}

function refusal(port: number, holders: ReadonlyMap<number, string>, rules: PortRules): string | undefined {
  const holder = holders.get(port);
  if (holder !== undefined) return `ArkService ${holder} has ${port}`;
  const owner = rules.reserved.get(port);
  if (owner !== undefined) return `${port} is ${owner}`;
  return holders.size < rules.most ? undefined : `${port} is one too many: ${rules.most} ports are opened at most`;
}

function portPath(index: number): string {
  return `spec.ports[${index}].port`;
}

/** N2. A service that the API server has not dated yet is the youngest. */
function byAge(a: ArkService, b: ArkService): number {
  return compare(bornAt(a), bornAt(b)) || compare(keyOf(a), keyOf(b));
}

function bornAt({ metadata }: ArkService): number {
  const at = Date.parse(metadata.creationTimestamp ?? "");
  return Number.isNaN(at) ? Number.MAX_SAFE_INTEGER : at;
}

function compare<T extends number | string>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
