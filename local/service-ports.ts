/**
 * The ports that ArkServices declare, on this machine (D42): at each its service answers as a router of its own does.
 */
import type { RequestListener } from "node:http";
import { keyText } from "#core/api/object-key.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import { PROTOCOL_HEADER, type ServicePort, type ServiceRecord } from "#core/ports/services.ts";
import { createApp } from "#platform/http/app.ts";
import { createPorts, type Ports } from "#platform/http/ports.ts";
import type { RouterDeps } from "../functions/router/deps.ts";
import { routerRoutes } from "../functions/router/handler.ts";
import type { OpensPorts } from "./reconciler.ts";

export type ServicePortsDeps = {
  readonly router: RouterDeps;
  readonly host: string;
  readonly graceMs: number;
  readonly ready: () => boolean;
  /** A port is open that could not be opened before. */
  readonly onOpened: () => void;
  readonly meters: Meters;
  readonly log: Logger;
  /** Ends requests that are still open at the end of the grace. */
  readonly signal: AbortSignal;
};

export type OpenPort = ServicePort & { readonly namespace: string; readonly name: string };

export type ServicePorts = OpensPorts & {
  open(): readonly OpenPort[];
  stop(graceMs: number): Promise<void>;
};

type Owner = OpenPort & { readonly answer: RequestListener };

export function createServicePorts(deps: ServicePortsDeps): ServicePorts {
  const apps = new Map<string, RequestListener>();
  const ports: Ports<Owner> = createPorts({
    listener: (asked, answer, owner) => {
      asked.headers[PROTOCOL_HEADER] = owner.protocol;
      owner.answer(asked, answer);
    },
    serve: { host: deps.host },
    graceMs: deps.graceMs,
    onOpened: deps.onOpened,
    log: deps.log,
  });
  return {
    use: (records) => {
      const present = new Set(records.map(keyText));
      for (const key of apps.keys()) if (!present.has(key)) apps.delete(key);
      const owners = records.flatMap(({ namespace, name, ports: won = [] }) =>
        won.map((one) => ({ ...one, namespace, name })),
      );
      const wanted = owners.map((one): [number, Owner] => {
        const app = apps.get(keyText(one)) ?? appOf(one, deps);
        apps.set(keyText(one), app);
        return [one.port, { ...one, answer: app }];
      });
      return ports.use(new Map(wanted));
    },
    fault: (port) => ports.fault(port),
    open: () => [...ports.open().values()].map(({ answer: _answer, ...one }) => one),
    stop: (graceMs) => ports.stop(graceMs),
  };
}

type Name = Pick<ServiceRecord, "namespace" | "name">;

function appOf({ namespace, name }: Name, { router, ready, meters, log, signal }: ServicePortsDeps): RequestListener {
  const routes = routerRoutes(router, { base: "", service: { namespace, name } });
  return createApp({ routes, ready, meters, log, signal });
}
