/**
 * Requests to one Service through the API server, for whoever may `get` and `create` that one name of `services/proxy`: a
 * right on nothing else, and no address of the cluster's network need be reachable.
 *
 * S1  The API server keeps the `Authorization` header for itself: what the service shall see stands in another one.
 */
import { type ClientRequest, type OutgoingHttpHeaders, request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { type KubeSource, loadConfig } from "./config.ts";
import type { ServiceTarget } from "./port-forward.ts";

export type ProxiedRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** A request that is not sent yet, on a connection of its own. */
export function serviceProxy(
  source: KubeSource,
  target: ServiceTarget,
): (of: ProxiedRequest) => Promise<ClientRequest> {
  const config = loadConfig(source);
  const server = (config.getCurrentCluster()?.server ?? "").replace(/\/+$/, "");
  const base = `${server}/api/v1/namespaces/${target.namespace}/services/${target.service}:${target.port}/proxy`;
  return async ({ method, path, headers, signal }) => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const url = new URL(`${base}${path}`);
    const start = url.protocol === "https:" ? httpsRequest : httpRequest;
    const credentials = options.headers as OutgoingHttpHeaders | undefined;
    return start(url, { ...options, method, headers: { ...credentials, ...headers }, signal });
  };
}
