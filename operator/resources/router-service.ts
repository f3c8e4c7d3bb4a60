/**
 * The Knative Service of an ArkService: its router, asleep until a task comes (api 5).
 *
 * S1  Written out whole, so that it depends on no defaulting.
 * S2  It says nothing of the ArkService but its name: a router reads the rest from its record, so that a change of agent,
 *     strategy or token rolls no revision.
 * S3  A caller may wait as long as the cluster lets a request last, up to the longest wait (api 13).
 */
import { nameOf, type ObjectKey } from "#core/api/object-key.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import type { Config } from "../config.ts";
import type { Container, Service } from "./knative.ts";
import { LABELS, MANAGED, ownerOf, poolUrl, routerServiceName } from "./names.ts";
import { AUTOSCALING, POD, type SharedPod, sharedPod } from "./pod.ts";

type RouterConfig = Pick<Config, "executor" | "router" | "collectorUrl" | "webhookUrl" | "clusterDomain" | "logLevel">;

/** The longest wait, 1 h, and its answer. */
const LONGEST_SECONDS = 3_660;
const MAX_PODS = 10;
const REQUESTS_PER_POD = 100;
/** Below the pod's limit: left alone V8 sizes its heap by the machine's memory. */
const HEAP = "--max-old-space-size=128 --max-semi-space-size=8";

/** `natsSecret`: credentials for NATS. */
export function routerService(service: ArkService, natsSecret: string | undefined, config: RouterConfig): Service {
  const { executor } = config;
  const key = nameOf(service);
  const pod = sharedPod(config, natsSecret);
  const labels = { ...MANAGED, [LABELS.service]: key.name };
  const timeoutSeconds = Math.min(LONGEST_SECONDS, executor.maxTimeoutSeconds);
  return {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: {
      name: routerServiceName(key),
      namespace: key.namespace,
      labels: { ...labels, "networking.knative.dev/visibility": "cluster-local" },
      ownerReferences: [ownerOf(service)],
    },
    spec: {
      template: {
        metadata: { labels, annotations: annotationsOf(config) },
        spec: {
          containerConcurrency: 0,
          timeoutSeconds,
          responseStartTimeoutSeconds: timeoutSeconds,
          enableServiceLinks: false,
          automountServiceAccountToken: false,
          ...(executor.serviceAccount !== undefined && { serviceAccountName: executor.serviceAccount }),
          containers: [containerOf(key, pod, config)],
          volumes: pod.volumes,
        },
      },
    },
  };
}

function annotationsOf({ executor }: RouterConfig): Record<string, string> {
  return {
    [`${AUTOSCALING}/min-scale`]: "0",
    [`${AUTOSCALING}/max-scale`]: String(MAX_PODS),
    ...(executor.allowZeroInitialScale && { [`${AUTOSCALING}/initial-scale`]: "0" }),
    [`${AUTOSCALING}/window`]: `${executor.windowSeconds}s`,
    [`${AUTOSCALING}/metric`]: "concurrency",
    [`${AUTOSCALING}/target`]: String(REQUESTS_PER_POD),
  };
}

function containerOf({ namespace, name }: ObjectKey, pod: SharedPod, config: RouterConfig): Container {
  const { image, command, args } = config.router;
  return {
    ...POD,
    name: "router",
    image,
    ...(command !== undefined && { command }),
    ...(args !== undefined && { args }),
    env: [
      ...pod.env,
      { name: "ARK_NAMESPACE", value: namespace },
      { name: "ARK_SERVICE", value: name },
      { name: "NODE_OPTIONS", value: HEAP },
      // Whom it wakes itself while nobody else does (P8).
      { name: "ARK_COLLECTOR_URL", value: config.collectorUrl },
      { name: "ARK_WEBHOOK_URL", value: config.webhookUrl },
      { name: "ARK_POOL_URL", value: poolUrl(config) },
      ...Object.entries(config.executor.tracing).map(([key, value]) => ({ name: key, value })),
    ],
    envFrom: [],
    resources: { requests: { cpu: "50m", memory: "96Mi" }, limits: { cpu: "500m", memory: "256Mi" } },
    volumeMounts: pod.volumeMounts,
  };
}
