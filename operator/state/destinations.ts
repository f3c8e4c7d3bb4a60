/**
 * Where an agent says that it goes: addresses of its model, its MCP servers and its tools, as a network policy can know
 * them. Pure.
 */
import { isIP } from "node:net";
import type { ArkAgentSpec } from "#core/api/v1alpha1/ark-agent.ts";

export type Destination =
  /** Of the cluster: `name`, `name.namespace` or `name.namespace.svc…`. */
  | { readonly kind: "service"; readonly namespace: string; readonly name: string; readonly port: number }
  | { readonly kind: "address"; readonly cidr: string; readonly port: number }
  /** Of the world's DNS: a policy knows no names, so any public address. */
  | { readonly kind: "public"; readonly port: number };

export type Where = { readonly namespace: string; readonly clusterDomain: string };

export function destinationsOf(spec: ArkAgentSpec, modelUrl: string, where: Where): readonly Destination[] {
  const urls = [modelUrl, ...[...(spec.mcpServers ?? []), ...(spec.tools ?? [])].map(({ url }) => url)];
  const all = urls.flatMap((url) => destinationOf(url, where));
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443, "nats:": 4222, "tls:": 4222 };

/** None: a fault of the URL is told by whoever dials it. */
export function destinationOf(url: string, where: Where): readonly Destination[] {
  const parsed = URL.parse(url);
  if (parsed === null) return [];
  const port = parsed.port === "" ? PORTS[parsed.protocol] : Number(parsed.port);
  return port === undefined ? [] : hostDestination(parsed.hostname.replaceAll(/^\[|\]$/g, ""), port, where);
}

export function hostDestination(host: string, port: number, where: Where): readonly Destination[] {
  const version = isIP(host);
  if (version !== 0) return [{ kind: "address", cidr: `${host}/${version === 4 ? 32 : 128}`, port }];
  const [name = "", namespace = where.namespace, ...rest] = host.replace(/\.$/, "").split(".");
  const service: Destination = { kind: "service", namespace, name, port };
  // `wiki.tools` may be a service of namespace tools, and a name of the world.
  if (rest.length === 0) return host.includes(".") ? [service, { kind: "public", port }] : [service];
  const isService = ["svc", `svc.${where.clusterDomain}`].includes(rest.join("."));
  return [isService ? service : { kind: "public", port }];
}
