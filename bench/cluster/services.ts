/** Knative Services to compare with: a function that does nothing, and one of Ark's from another image. */
import { apply, isReady, kubectl, until, type Manifest } from "../../test/e2e/harness/cluster.ts";

export type Service = { readonly namespace: string; readonly name: string };

type Container = { readonly image: string; readonly env?: readonly { readonly name: string }[] } & Record<
  string,
  unknown
>;
type Template = {
  readonly metadata?: { readonly annotations?: Record<string, string>; readonly labels?: Record<string, string> };
  readonly spec: { readonly containers: readonly Container[] } & Record<string, unknown>;
};
type Found = { readonly metadata: Service; readonly spec: { readonly template: Template } };

const PATH = "/apis/serving.knative.dev/v1/namespaces";
const LOCAL = { "networking.knative.dev/visibility": "cluster-local" };
const SOURCE = `
require("node:http")
  .createServer((request, response) => {
    request.resume();
    response.end("ok");
  })
  .listen(Number(process.env.PORT ?? 8080));
process.on("SIGTERM", () => process.exit(0));
`;
/** Of a container: what bounds it, how it is probed, what it may do. */
const KEPT = ["name", "image", "ports", "readinessProbe", "livenessProbe", "resources", "securityContext"] as const;
/** Of its pod. */
const POD = [
  "containerConcurrency",
  "timeoutSeconds",
  "responseStartTimeoutSeconds",
  "enableServiceLinks",
  "automountServiceAccountToken",
  "securityContext",
] as const;

export const urlOf = ({ namespace, name }: Service): string => `http://${name}.${namespace}.svc.cluster.local`;

/** Ten lines of node:http under all the settings of `service`: image, scaling, resources, probes, Node's own bounds. */
export async function bareOf(service: Service, as: Service): Promise<Service> {
  const { template } = (await find(service)).spec;
  const container = containerOf(template);
  const bare = {
    ...pick(container, KEPT),
    command: ["/usr/local/bin/node"],
    args: ["-e", SOURCE],
    env: (container.env ?? []).filter(({ name }) => name === "NODE_OPTIONS"),
  };
  return make(as, {
    metadata: { annotations: template.metadata?.annotations ?? {} },
    spec: { ...pick(template.spec, POD), containers: [bare as unknown as Container] },
  });
}

/** `service` once more, from another image. */
export async function copyOf(service: Service, as: Service, image: string): Promise<Service> {
  const { template } = (await find(service)).spec;
  const containers = [{ ...containerOf(template), image }];
  return make(as, { ...template, spec: { ...template.spec, containers } });
}

async function find({ namespace, name }: Service): Promise<Found> {
  return JSON.parse(await kubectl("get", "ksvc", name, "-n", namespace, "-o", "json")) as Found;
}

function containerOf({ spec }: Template): Container {
  const [container] = spec.containers;
  if (container === undefined) throw new Error("a Knative Service without a container");
  return container;
}

function pick(from: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]));
}

async function make({ namespace, name }: Service, template: Template): Promise<Service> {
  const manifest: Manifest = {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: { name, namespace, labels: LOCAL },
    spec: { template },
  };
  await apply(manifest);
  await until(`${PATH}/${namespace}/services`, name, isReady);
  return { namespace, name };
}
