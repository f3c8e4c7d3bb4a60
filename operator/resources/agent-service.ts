/**
 * The Knative Service of an ArkAgent: the executor, asleep until it is woken (knative 5.2).
 *
 * S1  Written out whole, so that it depends on no defaulting.
 * S2  What changes what the model sees changes an annotation of the template, and so rolls a revision.
 * S3  No secret stands in it: Secrets are named, and mounted as files (D29).
 */
import { nameOf } from "#core/api/object-key.ts";
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import { agentScale } from "#core/reconcile/agent-scale.ts";
import type { Config, Executor } from "../config.ts";
import type { AgentRefs, Mounted } from "../state/agent-refs.ts";
import { AGENT_FILE } from "./agent-config.ts";
import type { Container, EnvFrom, Service, Volume } from "./knative.ts";
import { agentServiceName, LABELS, MANAGED, ownerOf, poolUrl } from "./names.ts";
import { AUTOSCALING, POD, type SharedPod, sharedPod } from "./pod.ts";

export type AgentServiceInput = {
  readonly agent: ArkAgent;
  readonly refs: AgentRefs;
  /** Digests: of the prompt in effect, and of all else the executor reads at its start. */
  readonly promptHash: string;
  readonly configHash: string;
  /** Credentials for NATS. */
  readonly natsSecret: string | undefined;
};

const CONFIG_DIR = "/etc/ark/agent";
const CONFIG_MAPS_DIR = "/etc/ark/configmaps";
const SECRETS_DIR = "/etc/ark/secrets";
const API_KEYS_SECRET = "ark-api-keys";
/** Beyond the agent's own timeout: storing the result, and draining. */
const MARGIN_SECONDS = 120;
const LEAST_TIMEOUT_SECONDS = 300;
const DEFAULT_TIMEOUT_SECONDS = 120;
/** Of every resource that `resources` does not name. */
const DEFAULT_REQUESTS = { cpu: "100m", memory: "128Mi" };
const DEFAULT_LIMITS = { cpu: "500m", memory: "512Mi" };

type AgentConfig = Pick<Config, "executor" | "collectorUrl" | "clusterDomain" | "logLevel">;

export function agentService(input: AgentServiceInput, config: AgentConfig): Service {
  const { agent } = input;
  const { executor } = config;
  const key = nameOf(agent);
  const pod = sharedPod(config, input.natsSecret);
  const labels = { ...MANAGED, [LABELS.agent]: key.name };
  const timeoutSeconds = timeoutOf(agent, executor);
  return {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: {
      name: agentServiceName(key),
      namespace: key.namespace,
      labels: { ...labels, "networking.knative.dev/visibility": "cluster-local" },
      ownerReferences: [ownerOf(agent)],
    },
    spec: {
      template: {
        metadata: { labels, annotations: annotationsOf(input, executor) },
        spec: {
          containerConcurrency: agentScale(agent.spec).slots,
          timeoutSeconds,
          responseStartTimeoutSeconds: timeoutSeconds,
          enableServiceLinks: false,
          automountServiceAccountToken: false,
          ...(executor.serviceAccount !== undefined && { serviceAccountName: executor.serviceAccount }),
          containers: [containerOf(input, pod, config)],
          volumes: [...volumesOf(input), ...pod.volumes],
        },
      },
    },
  };
}

function timeoutOf({ spec }: ArkAgent, { maxTimeoutSeconds }: Executor): number {
  const wanted = (spec.limits?.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) + MARGIN_SECONDS;
  return Math.min(Math.max(wanted, LEAST_TIMEOUT_SECONDS), maxTimeoutSeconds);
}

/** max-scale 0 would mean "no limit": an agent of no replicas is drained by waking it no more. */
function annotationsOf({ agent, promptHash, configHash }: AgentServiceInput, executor: Executor) {
  const window = `${executor.windowSeconds}s`;
  const { least, most, slots, tasksEach } = agentScale(agent.spec);
  return {
    [`${AUTOSCALING}/min-scale`]: String(least),
    [`${AUTOSCALING}/max-scale`]: String(Math.max(1, most)),
    ...(executor.allowZeroInitialScale && { [`${AUTOSCALING}/initial-scale`]: "0" }),
    [`${AUTOSCALING}/window`]: window,
    [`${AUTOSCALING}/scale-down-delay`]: window,
    [`${AUTOSCALING}/metric`]: "concurrency",
    // A held wake is a request: fewer of them for each pod make more pods of the same tasks.
    ...(tasksEach < slots && { [`${AUTOSCALING}/target`]: String(tasksEach) }),
    [`${AUTOSCALING}/target-utilization-percentage`]: "100",
    [`${AUTOSCALING}/target-burst-capacity`]: "-1",
    "arkonis.dev/system-prompt-hash": promptHash,
    "arkonis.dev/config-hash": configHash,
  };
}

function containerOf(input: AgentServiceInput, pod: SharedPod, config: AgentConfig): Container {
  const { executor } = config;
  const { image, command, args } = executor;
  return {
    ...POD,
    name: "executor",
    image,
    ...(command !== undefined && { command }),
    ...(args !== undefined && { args }),
    env: [
      ...pod.env,
      { name: "ARK_AGENT_CONFIG", value: `${CONFIG_DIR}/${AGENT_FILE}` },
      { name: "ARK_CONFIGMAPS_DIR", value: CONFIG_MAPS_DIR },
      { name: "ARK_SECRETS_DIR", value: SECRETS_DIR },
      // Whom it wakes itself while nobody else does (P8).
      { name: "ARK_COLLECTOR_URL", value: config.collectorUrl },
      { name: "ARK_POOL_URL", value: poolUrl(config) },
      ...Object.entries(executor.tracing).map(([name, value]) => ({ name, value })),
    ],
    envFrom: environmentSources(input.agent),
    resources: resourcesOf(input.agent),
    volumeMounts: [
      { name: "agent", mountPath: CONFIG_DIR, readOnly: true },
      ...input.refs.configMaps.map(({ name }, index) => mount(`configmap-${index}`, `${CONFIG_MAPS_DIR}/${name}`)),
      ...input.refs.secrets.map(({ name }, index) => mount(`secret-${index}`, `${SECRETS_DIR}/${name}`)),
      ...pod.volumeMounts,
    ],
  };
}

/** Both sides of what is named are the user's: a default beside a named bound might contradict it. */
function resourcesOf({ spec }: ArkAgent): Container["resources"] {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const unnamed = (defaults: Readonly<Record<string, string>>) =>
    Object.entries(defaults).filter(([name]) => !Object.hasOwn(requests, name) && !Object.hasOwn(limits, name));
  const joined = (defaults: Readonly<Record<string, string>>, given: Readonly<Record<string, string | number>>) =>
    Object.fromEntries([...unnamed(defaults), ...Object.entries(given).map(([name, value]) => [name, String(value)])]);
  return { requests: joined(DEFAULT_REQUESTS, requests), limits: joined(DEFAULT_LIMITS, limits) };
}

/** The providers' keys of the namespace (api 15), then the agent's own; the later ones win. */
export function environmentSources({ spec }: ArkAgent): readonly EnvFrom[] {
  return [{ secretRef: { name: API_KEYS_SECRET, optional: true } }, ...(spec.envFrom ?? [])];
}

function mount(name: string, mountPath: string): Container["volumeMounts"][number] {
  return { name, mountPath, readOnly: true };
}

/** Optional: a missing Secret is a reason that the executor gives, not a pod that cannot be made (D49). */
function volumesOf({ agent, refs }: AgentServiceInput): Volume[] {
  const items = ({ keys }: Mounted) => keys.map((key) => ({ key, path: key }));
  return [
    { name: "agent", configMap: { name: agentServiceName(nameOf(agent)) } },
    ...refs.configMaps.map((one, index) => ({
      name: `configmap-${index}`,
      configMap: { name: one.name, items: items(one), optional: true },
    })),
    ...refs.secrets.map((one, index) => ({
      name: `secret-${index}`,
      secret: { secretName: one.name, items: items(one), optional: true },
    })),
  ];
}
