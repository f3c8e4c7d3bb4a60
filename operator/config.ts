/** Environment of the operator: `readEnv` only reads, `parseConfig` only decides. */
import * as z from "zod";
import {
  type ConfigOutcome,
  GRACE_SECONDS,
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
const handedOn = (meaning: string) =>
  z
    .string()
    .optional()
    .describe(`${meaning} Handed on to agents and routers; the telemetry of each function reads it.`);
const words = z.string().transform((text) => text.split(" ").filter(Boolean));

export const ENV = z.object({
  ...PROCESS_ENV,
  ARK_AGENT_NATS_URL: z
    .string()
    .optional()
    .describe("nats-server as agents and routers reach it. Unset: `ARK_NATS_URL`."),
  ARK_AGENT_NATS_SECRET: name
    .optional()
    .describe(
      "Secret of each agent's namespace with key `nats.creds`: who its agents and routers are to NATS. Unset: nobody, or whom the operator makes.",
    ),
  ARK_NATS_SIGNING_KEY_FILE: z
    .string()
    .optional()
    .describe(
      "A file with the seed of a signing key of the guests' account: the operator makes their users itself (ADR 0015).",
    ),
  ARK_NATS_GUEST_ACCOUNT: z
    .string()
    .regex(/^A[A-Z2-7]{55}$/, "wants the public key of an account, A…")
    .optional()
    .describe("Public key of the guests' account. Unset: the key in the file is the account's own."),
  ARK_NAMESPACE: name.default("ark-system").describe("Where the shared functions are."),
  BROKER: name.default("default").describe("Name of the Broker."),
  ARK_BROKER_NAMESPACE: name
    .optional()
    .describe("Where the Broker is, and the Triggers beside it. Unset: `ARK_NAMESPACE`."),
  ARK_BROKER_CLASS: z
    .enum(["MTChannelBasedBroker", "NatsJetStreamBroker"])
    .optional()
    .describe("The operator makes the Broker, of this class. Unset: the Broker is somebody else's."),
  ARK_DISPATCHER: name
    .default("ark-dispatcher")
    .describe("Knative Service of the dispatcher: subscriber of all Triggers."),
  ARK_COLLECTOR: name.default("ark-collector").describe("Knative Service of the collector."),
  ARK_WEBHOOK: name.default("ark-webhook").describe("Knative Service of the webhook function."),
  ARK_DISPATCHER_URL: url.optional().describe("The dispatcher. Unset: its address in the cluster."),
  ARK_COLLECTOR_URL: url.optional().describe("The collector. Unset: its address in the cluster."),
  ARK_WEBHOOK_URL: url.optional().describe("The webhook function. Unset: its address in the cluster."),
  ARK_FRONT_URL: url
    .optional()
    .describe("How addresses of webhooks begin that people see. Unset: this operator's Service, port 8092."),
  ARK_CLUSTER_DOMAIN: z.string().default("cluster.local").describe("How names of the cluster end."),
  ARK_EXECUTOR_IMAGE: z.string({ error: "wants the image of the executor" }).describe("Image of the executor."),
  ARK_EXECUTOR_COMMAND: words.optional().describe("Words, separated by blanks. Unset: the image's own."),
  ARK_EXECUTOR_ARGS: words.optional().describe("Words, separated by blanks. Unset: the image's own."),
  ARK_ROUTER_IMAGE: z.string().optional().describe("Image of routers. Unset: the executor's."),
  ARK_ROUTER_COMMAND: words.optional().describe("Words, separated by blanks. Unset: the image's own."),
  ARK_ROUTER_ARGS: words.optional().describe("Words, separated by blanks. Unset: the image's own."),
  ARK_EXECUTOR_SERVICE_ACCOUNT: name
    .optional()
    .describe("Service account of agents and routers, in their own namespace, without a token. Unset: `default`."),
  ARK_MAX_REVISION_TIMEOUT_SECONDS: z.coerce
    .number()
    .int()
    .min(60)
    .max(86_400)
    .default(600)
    .describe("The cluster's `max-revision-timeout-seconds`."),
  ARK_ALLOW_ZERO_INITIAL_SCALE: yesNo
    .default(true)
    .describe("The cluster's `allow-zero-initial-scale`; without it every new revision starts a pod once."),
  ARK_SCALE_DOWN_WINDOW_SECONDS: z.coerce
    .number()
    .int()
    .min(6)
    .max(3_600)
    .default(30)
    .describe("How long an idle agent or router stays."),
  ARK_COLLECTOR_SLOTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe("How many collectors are held awake at a time at most."),
  ARK_RESYNC_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600)
    .default(15)
    .describe(
      "How often it looks at what no watch tells it: Secrets and ConfigMaps, instances of services, dead letters.",
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: handedOn("An OTLP/HTTP collector."),
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: handedOn("`true`: spans hold prompts and answers."),
  OTEL_TRACES_EXPORTER: handedOn("`none`: no spans."),
  OTEL_METRICS_EXPORTER: handedOn("`none`: no metrics."),
  OTEL_METRIC_EXPORT_INTERVAL: handedOn("Milliseconds between two exports of metrics."),
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: handedOn("`delta`: what was counted since the export before."),
  POD_NAME: z.string().optional().describe("Of this replica, unlike any other's. Unset: `HOSTNAME`."),
  HOSTNAME: z.string().default("operator").describe("Of this pod."),
  ARK_FRONT_PORT: port.default(8092).describe("Port of the front door."),
  ARK_GRACE_SECONDS: GRACE_SECONDS,
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
  return readVariables(ENV.shape, env);
}

export function parseConfig(raw: RawEnv): ConfigOutcome<Config> {
  return judgeVariables(ENV, raw, decide);
}

function decide(env: z.output<typeof ENV>): Config {
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
function tracingOf(env: z.output<typeof ENV>): Readonly<Record<string, string>> {
  const said = HANDED_ON.map((name) => [name, env[name]] as const);
  return Object.fromEntries(said.filter((one): one is readonly [Telemetry, string] => one[1] !== undefined));
}
