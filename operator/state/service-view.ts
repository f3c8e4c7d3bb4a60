/** A service of the cluster as a network policy must know it: a policy sees pods and their ports, not services. */
import * as z from "zod";

export type ServiceView =
  | { readonly kind: "absent" }
  /** ExternalName. */
  | { readonly kind: "alias"; readonly host: string }
  /** Its addresses are written by somebody's own hand. */
  | { readonly kind: "unselected"; readonly portOf: (port: number) => number }
  | {
      readonly kind: "pods";
      readonly labels: Readonly<Record<string, string>>;
      /** Of the pods, for one of the service; a name where the service names it. */
      readonly portOf: (port: number) => number | string;
    };

const CoreService = z.object({
  spec: z.object({
    type: z.string().optional(),
    clusterIP: z.string().optional(),
    externalName: z.string().optional(),
    selector: z.record(z.string(), z.string()).default({}),
    ports: z
      .array(z.object({ port: z.number(), targetPort: z.union([z.number(), z.string()]).optional() }))
      .default([]),
  }),
});

export function serviceView(object: unknown): ServiceView {
  const parsed = CoreService.safeParse(object);
  if (!parsed.success) return { kind: "absent" };
  const { type, clusterIP, externalName = "", selector, ports } = parsed.data.spec;
  if (type === "ExternalName") return { kind: "alias", host: externalName };
  // A headless service leads to its pods by their addresses, at the port that was asked for.
  const target = (port: number) =>
    clusterIP === "None" ? port : (ports.find((one) => one.port === port)?.targetPort ?? port);
  if (Object.keys(selector).length > 0) return { kind: "pods", labels: selector, portOf: target };
  return { kind: "unselected", portOf: (port) => Number(target(port)) || port };
}
