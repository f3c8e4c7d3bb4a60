/**
 * Every instrument of Ark, once: its kind, unit and attributes as an OTLP collector receives them (docs/operations.md).
 *
 * I1  Attributes have few values: no run, task, prompt or address ever is one.
 * I2  Where OpenTelemetry's semantic conventions have a name, a unit or bounds of buckets, those count.
 */
type Instrument = {
  /** `gauge` and `up-down counter` are read when values go out, never counted: see `Meters.observe`. */
  readonly kind: "histogram" | "counter" | "gauge" | "up-down counter";
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly string[];
  /** Upper bounds, of a histogram alone. */
  readonly buckets?: readonly number[];
};

const TOKENS = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];
const MODEL_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** Of work that lasts from milliseconds to hours. */
const WORK_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200];

const MODEL = [
  "gen_ai.operation.name",
  "gen_ai.provider.name",
  "gen_ai.request.model",
  "gen_ai.response.model",
] as const;
const MESSAGING = ["messaging.system", "messaging.destination.name", "error.type"] as const;
const TEAM = ["ark.namespace", "ark.team"] as const;
const ROLE = [...TEAM, "ark.role"] as const;
const AGENT = ["ark.namespace", "ark.agent"] as const;

export const INSTRUMENTS = {
  "gen_ai.client.token.usage": {
    kind: "histogram",
    unit: "{token}",
    description: "Tokens of one model call, in and out apart.",
    attributes: [...MODEL, "gen_ai.token.type"],
    buckets: TOKENS,
  },
  "gen_ai.client.operation.duration": {
    kind: "histogram",
    unit: "s",
    description: "One model call, from the request to the end of the answer.",
    attributes: [...MODEL, "error.type"],
    buckets: MODEL_SECONDS,
  },
  "ark.tool.duration": {
    kind: "histogram",
    unit: "s",
    description: "One tool call.",
    attributes: ["gen_ai.tool.name", "error.type"],
    buckets: WORK_SECONDS,
  },
  "ark.budget.denied": {
    kind: "counter",
    unit: "{call}",
    description: "Model calls that a budget forbade; none of them was made.",
    attributes: AGENT,
  },
  "messaging.client.sent.messages": {
    kind: "counter",
    unit: "{message}",
    description: "Tasks and facts that were sent to NATS.",
    attributes: MESSAGING,
  },
  "messaging.client.consumed.messages": {
    kind: "counter",
    unit: "{message}",
    description: "Deliveries of tasks and facts; each redelivery is one.",
    attributes: MESSAGING,
  },
  "messaging.process.duration": {
    kind: "histogram",
    unit: "s",
    description: "From a delivery until it is acknowledged or handed back.",
    attributes: MESSAGING,
    buckets: WORK_SECONDS,
  },
  "http.server.request.duration": {
    kind: "histogram",
    unit: "s",
    description: "One request, until its answer has ended.",
    attributes: ["http.request.method", "http.route", "http.response.status_code", "error.type"],
    buckets: REQUEST_SECONDS,
  },
  "ark.run.duration": {
    kind: "histogram",
    unit: "s",
    description: "A run, from its start to its end.",
    attributes: [...TEAM, "ark.outcome"],
    buckets: WORK_SECONDS,
  },
  "ark.runs.active": {
    kind: "up-down counter",
    unit: "{run}",
    description: "Runs that have not ended.",
    attributes: TEAM,
  },
  "ark.step.duration": {
    kind: "histogram",
    unit: "s",
    description: "A step, from its start to its end, all attempts and iterations together.",
    attributes: [...ROLE, "ark.outcome"],
    buckets: WORK_SECONDS,
  },
  "ark.step.queue_wait": {
    kind: "histogram",
    unit: "s",
    description: "From a queued attempt until an executor took it.",
    attributes: ROLE,
    buckets: WORK_SECONDS,
  },
  "ark.step.attempts": {
    kind: "counter",
    unit: "{attempt}",
    description: "Attempts of steps that are over.",
    attributes: [...ROLE, "ark.outcome"],
  },
  "ark.event.fires": {
    kind: "counter",
    unit: "{fire}",
    description: "Fires of an ArkEvent, by what became of them.",
    attributes: ["ark.namespace", "ark.event", "ark.outcome"],
  },
  "ark.dlq.messages": {
    kind: "gauge",
    unit: "{message}",
    description: "Dead letters that are kept.",
    attributes: AGENT,
  },
  "ark.wake.held": {
    kind: "gauge",
    unit: "{request}",
    description: "Wakes that are held open, which keep pods at work.",
    attributes: AGENT,
  },
  "ark.reconcile.duration": {
    kind: "histogram",
    unit: "s",
    description: "One pass over one object.",
    attributes: ["ark.kind", "ark.outcome"],
    buckets: REQUEST_SECONDS,
  },
} as const satisfies Readonly<Record<string, Instrument>>;
