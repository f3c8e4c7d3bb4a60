/** Which ArkService has which port, by what is known of all of them now. */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import { assignPorts, MOST_PORTS, type PortDecision } from "#core/reconcile/ports.ts";
import type { Config } from "./config.ts";
import type { Informer } from "./informer.ts";

export type PortPlan = {
  decisionOf(service: ArkService): PortDecision;
  /** Ports of all services. */
  won(): readonly number[];
};

type Known = { readonly services: readonly ArkService[]; readonly decisions: ReadonlyMap<string, PortDecision> };

const NONE: PortDecision = { won: [], refused: [] };

export function createPortPlan(
  services: Pick<Informer<ArkService>, "values">,
  { port, frontPort }: Pick<Config, "port" | "frontPort">,
): PortPlan {
  const reserved = new Map([
    [port, "the operator's own"],
    [frontPort, "the front door's own"],
  ]);
  let known: Known = { services: [], decisions: new Map() };
  /** Decided again when there is something else to decide on: each service asks. */
  const decide = (): Known["decisions"] => {
    const now = [...services.values()];
    if (now.length !== known.services.length || now.some((one, index) => one !== known.services[index])) {
      const present = now.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      known = { services: now, decisions: assignPorts(present, { reserved, most: MOST_PORTS }) };
    }
    return known.decisions;
  };
  return {
    decisionOf: (service) => {
      const { namespace, name } = nameOf(service);
      return decide().get(`${namespace}/${name}`) ?? NONE;
    },
    won: () => [...decide().values()].flatMap(({ won }) => won.map((one) => one.port)),
  };
}
