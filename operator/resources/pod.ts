/** What every pod that the operator asks Knative for has in common: where it listens, how it is looked at, what it may do. */
import type { Container } from "./knative.ts";

export const PORT = 8080;
export const AUTOSCALING = "autoscaling.knative.dev";

export const POD = {
  ports: [{ name: "http1", containerPort: PORT, protocol: "TCP" }],
  readinessProbe: { httpGet: { path: "/readyz", port: PORT }, successThreshold: 1 },
  livenessProbe: { httpGet: { path: "/healthz", port: PORT }, periodSeconds: 30, failureThreshold: 4 },
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  },
} as const satisfies Partial<Container>;
