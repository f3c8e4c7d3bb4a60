/** What every pod that the operator asks Knative for has in common: where it listens, how it is looked at, what it may do. */
import type { Config } from "../config.ts";
import type { Container, Volume } from "./knative.ts";

export const PORT = 8080;
export const AUTOSCALING = "autoscaling.knative.dev";

export const POD = {
  ports: [{ name: "http1", containerPort: PORT, protocol: "TCP" }],
  readinessProbe: { httpGet: { path: "/readyz", port: PORT }, successThreshold: 1 },
  livenessProbe: { httpGet: { path: "/healthz", port: PORT }, periodSeconds: 30, failureThreshold: 4 },
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  },
} as const satisfies Partial<Container>;

/** Key of the Secret, and the file that it becomes. */
export const NATS_CREDS = "nats.creds";
const NATS_DIR = "/etc/ark/nats";

export type SharedPod = Pick<Container, "env" | "volumeMounts"> & { readonly volumes: readonly Volume[] };

/** Where NATS is and as whom to sign in there, a guest then; what to log. */
export function sharedPod(
  { executor, logLevel }: Pick<Config, "executor" | "logLevel">,
  natsSecret: string | undefined,
): SharedPod {
  const { natsUrl } = executor;
  const env = [
    { name: "ARK_NATS_URL", value: natsUrl },
    { name: "ARK_LOG_LEVEL", value: logLevel },
  ];
  if (natsSecret === undefined) return { env, volumeMounts: [], volumes: [] };
  return {
    env: [
      ...env,
      { name: "ARK_NATS_CREDS", value: `${NATS_DIR}/${NATS_CREDS}` },
      { name: "ARK_NATS_GUEST", value: "true" },
    ],
    volumeMounts: [{ name: "nats", mountPath: NATS_DIR, readOnly: true }],
    // Optional as all others are: without it the process says what it lacks, and is started again (D49).
    volumes: [
      {
        name: "nats",
        secret: { secretName: natsSecret, items: [{ key: NATS_CREDS, path: NATS_CREDS }], optional: true },
      },
    ],
  };
}
