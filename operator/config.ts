/** Environment of the operator: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import {
  type ConfigOutcome,
  judgeVariables,
  PROCESS_ENV,
  type ProcessConfig,
  processConfig,
  type RawEnv,
  readVariables,
} from "#core/env.ts";

const name = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "wants a name of lower-case letters, digits, dashes");
const port = z.coerce.number().int().min(0).max(65_535);
const url = z.url({ protocol: /^https?$/, error: "wants an address, such as http://ark-webhook.ark-system" });
const yesNo = z.enum(["true", "false"]).transform((text) => text === "true");
const words = z.string().transform((text) => text.split(" ").filter(Boolean));

const Env = z.object({
  ...PROCESS_ENV,
  ARK_NATS_URL: z.string({ error: "wants the address of nats-server, such as nats://nats.ark-system:4222" }),
  /** Address of nats-server as agents reach it; default: ARK_NATS_URL. */
  ARK_AGENT_NATS_URL: z.string().optional(),
  /** Secret of each agent's namespace with key `nats.creds`: who its agents and routers are to NATS. Unset: nobody. */
  ARK_AGENT_NATS_SECRET: name.optional(),
  /** A file with the seed of a signing key of the guests' account: the operator makes their users itself (ADR 0015). */
  ARK_NATS_SIGNING_KEY_FILE: z.string().optional(),
  /** Public key of that account; default: the key in the file is the account's own. */
  ARK_NATS_GUEST_ACCOUNT: z
    .string()
    .regex(/^A[A-Z2-7]{55}$/, "wants the public key of an account, A…")
    .optional(),
  /** Where the shared functions and the Broker are. */
  ARK_NAMESPACE: name.default("ark-system"),
  BROKER: name.default("default"),
  /** Where the Broker is; the Triggers stand beside it. Default: ARK_NAMESPACE. */
  ARK_BROKER_NAMESPACE: name.optional(),
  /** Set: the operator makes the Broker, of this class. Unset: the Broker is somebody else's. */
  ARK_BROKER_CLASS: z.enum(["MTChannelBasedBroker", "NatsJetStreamBroker"]).optional(),
  ARK_DISPATCHER: name.default("ark-dispatcher"),
  ARK_COLLECTOR: name.default("ark-collector"),
  ARK_WEBHOOK: name.default("ark-webhook"),
  /** Default: the Knative Services' own cluster addresses. */
  ARK_DISPATCHER_URL: url.optional(),
  ARK_COLLECTOR_URL: url.optional(),
  ARK_WEBHOOK_URL: url.optional(),
  /** How people's webhooks begin; default: this operator's Service, port 8092. */
  ARK_FRONT_URL: url.optional(),
  ARK_CLUSTER_DOMAIN: z.string().default("cluster.local"),
  ARK_EXECUTOR_IMAGE: z.string({ error: "wants the image of the executor" }),
  /** Words, separated by blanks; default: the image's own. */
  ARK_EXECUTOR_COMMAND: words.optional(),
  ARK_EXECUTOR_ARGS: words.optional(),
  /** Default: the executor's. */
  ARK_ROUTER_IMAGE: z.string().optional(),
  ARK_ROUTER_COMMAND: words.optional(),
  ARK_ROUTER_ARGS: words.optional(),
  /** Service account of agents and routers, in their own namespace; default: `default`, whose token is not mounted. */
  ARK_EXECUTOR_SERVICE_ACCOUNT: name.optional(),
  /** The cluster's `max-revision-timeout-seconds`. */
  ARK_MAX_REVISION_TIMEOUT_SECONDS: z.coerce.number().int().min(60).max(86_400).default(600),
  /** Whether the cluster has `allow-zero-initial-scale`; without it every new revision starts a pod once. */
  ARK_ALLOW_ZERO_INITIAL_SCALE: yesNo.default(true),
  ARK_SCALE_DOWN_WINDOW_SECONDS: z.coerce.number().int().min(6).max(3_600).default(30),
  ARK_COLLECTOR_SLOTS: z.coerce.number().int().min(1).max(100).default(1),
  ARK_RESYNC_SECONDS: z.coerce.number().int().min(1).max(3_600).default(15),
  /** Handed on to agents and routers as they are; the telemetry of each process reads them. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional(),
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: z.string().optional(),
  OTEL_TRACES_EXPORTER: z.string().optional(),
  OTEL_METRICS_EXPORTER: z.string().optional(),
  OTEL_METRIC_EXPORT_INTERVAL: z.string().optional(),
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: z.string().optional(),
  /** Of this replica, unlike any other's. */
  POD_NAME: z.string().optional(),
  HOSTNAME: z.string().default("operator"),
  ARK_FRONT_PORT: port.default(8092),
  ARK_GRACE_SECONDS: z.coerce.number().min(0).max(7_200).default(30),
});

export type Executor = {
  readonly image: string;
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly natsUrl: string;
  /** Of the pod's own namespace. */
  readonly natsSecret: string | undefined;
  readonly serviceAccount: string | undefined;
  readonly maxTimeoutSeconds: number;
  readonly allowZeroInitialScale: boolean;
  readonly windowSeconds: number;
  /** Variables by which its spans find their collector; none: it sends none. */
  readonly tracing: Readonly<Record<string, string>>;
};

/** `port`: health. */
export type Config = ProcessConfig & {
  readonly namespace: string;
  readonly broker: { readonly namespace: string; readonly name: string };
  /** Undefined: the Broker is not the operator's. */
  readonly brokerClass: "MTChannelBasedBroker" | "NatsJetStreamBroker" | undefined;
  readonly dispatcher: string;
  readonly dispatcherUrl: string;
  readonly collectorUrl: string;
  readonly webhookUrl: string;
  /** Without a closing slash. */
  readonly frontUrl: string;
  readonly clusterDomain: string;
  readonly executor: Executor;
  readonly router: Pick<Executor, "image" | "command" | "args">;
  readonly natsSigning: { readonly keyFile: string; readonly account: string | undefined } | undefined;
  readonly collectorSlots: number;
  readonly resyncMs: number;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly identity: string;
  readonly host: string;
  readonly port: number;
  readonly frontPort: number;
  readonly graceMs: number;
};

export function readEnv(env: RawEnv): RawEnv {
  return readVariables(Env.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(Env, raw, decide);
}

function decide(env: z.output<typeof Env>): Config {
  const { ARK_NAMESPACE: namespace } = env;
  const service = (name: string) => `http://${name}.${namespace}.svc.${env.ARK_CLUSTER_DOMAIN}`;
  return {
    ...processConfig(env),
    namespace,
    broker: { namespace: env.ARK_BROKER_NAMESPACE ?? namespace, name: env.BROKER },
    brokerClass: env.ARK_BROKER_CLASS,
    dispatcher: env.ARK_DISPATCHER,
    dispatcherUrl: env.ARK_DISPATCHER_URL ?? service(env.ARK_DISPATCHER),
    collectorUrl: env.ARK_COLLECTOR_URL ?? service(env.ARK_COLLECTOR),
    webhookUrl: env.ARK_WEBHOOK_URL ?? service(env.ARK_WEBHOOK),
    frontUrl: (env.ARK_FRONT_URL ?? `${service("ark-operator")}:8092`).replace(/\/+$/, ""),
    clusterDomain: env.ARK_CLUSTER_DOMAIN,
    executor: {
      image: env.ARK_EXECUTOR_IMAGE,
      command: env.ARK_EXECUTOR_COMMAND,
      args: env.ARK_EXECUTOR_ARGS,
      natsUrl: env.ARK_AGENT_NATS_URL ?? env.ARK_NATS_URL,
      natsSecret: env.ARK_AGENT_NATS_SECRET,
      serviceAccount: env.ARK_EXECUTOR_SERVICE_ACCOUNT,
      maxTimeoutSeconds: env.ARK_MAX_REVISION_TIMEOUT_SECONDS,
      allowZeroInitialScale: env.ARK_ALLOW_ZERO_INITIAL_SCALE,
      windowSeconds: env.ARK_SCALE_DOWN_WINDOW_SECONDS,
      tracing: tracingOf(env),
    },
    router: {
      image: env.ARK_ROUTER_IMAGE ?? env.ARK_EXECUTOR_IMAGE,
      command: env.ARK_ROUTER_COMMAND,
      args: env.ARK_ROUTER_ARGS,
    },
    natsSigning:
      env.ARK_NATS_SIGNING_KEY_FILE === undefined
        ? undefined
        : { keyFile: env.ARK_NATS_SIGNING_KEY_FILE, account: env.ARK_NATS_GUEST_ACCOUNT },
    collectorSlots: env.ARK_COLLECTOR_SLOTS,
    resyncMs: env.ARK_RESYNC_SECONDS * 1_000,
    identity: env.POD_NAME ?? env.HOSTNAME,
    frontPort: env.ARK_FRONT_PORT,
    graceMs: env.ARK_GRACE_SECONDS * 1_000,
  };
}

const HANDED_ON = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
  "OTEL_TRACES_EXPORTER",
  "OTEL_METRICS_EXPORTER",
  "OTEL_METRIC_EXPORT_INTERVAL",
  "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
] as const;
type Telemetry = (typeof HANDED_ON)[number];

/** No headers: a collector's key is a Secret's business (`envFrom` of the agent). */
function tracingOf(env: z.output<typeof Env>): Readonly<Record<string, string>> {
  const said = HANDED_ON.map((name) => [name, env[name]] as const);
  return Object.fromEntries(said.filter((one): one is readonly [Telemetry, string] => one[1] !== undefined));
}
