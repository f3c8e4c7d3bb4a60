import { expect, test } from "vitest";
import { ArkAgentSchema, type ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import { ArkEventSchema, type ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { ArkServiceSchema } from "#core/api/v1alpha1/ark-service.ts";
import { ENV as EXECUTOR_ENV } from "../../functions/executor/config.ts";
import { ENV as ROUTER_ENV } from "../../functions/router/config.ts";
import { type Config, parseConfig, readEnv } from "../config.ts";
import { agentRefs } from "../state/agent-refs.ts";
import { agentConfigMap, agentFile } from "./agent-config.ts";
import { agentService } from "./agent-service.ts";
import { broker } from "./broker.ts";
import { guestSecret, guestSecretName } from "./nats-secret.ts";
import { pingSource } from "./ping-source.ts";
import { routerService } from "./router-service.ts";
import { configMapValue, tokenIn, tokenSecret } from "./token-secret.ts";
import { runRequestsTrigger, trigger } from "./trigger.ts";

const ENV = { ARK_NATS_URL: "nats://nats.ark-system:4222", ARK_EXECUTOR_IMAGE: "example.org/ark/executor:1" };

function configOf(env: Record<string, string> = {}): Config {
  const outcome = parseConfig(readEnv({ ...ENV, ...env }));
  if (outcome.kind === "faults") throw new Error(outcome.faults.join("; "));
  return outcome.config;
}

function event(source: unknown, spec: object = {}): ArkEvent {
  return ArkEventSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkEvent",
    metadata: { name: "digest", namespace: "ai-team", uid: "u-1" },
    spec: { source, targets: [{ team: "blog" }], ...spec },
  });
}

function agent(spec: object = {}): ArkAgent {
  return ArkAgentSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer", namespace: "ai-team", uid: "u-2" },
    spec: { model: "gpt-4o", ...("systemPromptRef" in spec ? {} : { systemPrompt: "You write." }), ...spec },
  });
}

const dispatcher = (uri: string) => ({
  ref: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "ark-dispatcher", namespace: "ark-system" },
  uri,
});

test("T1: a webhook's Trigger, whole", () => {
  expect(trigger(event({ type: "webhook" }), configOf())).toEqual({
    apiVersion: "eventing.knative.dev/v1",
    kind: "Trigger",
    metadata: {
      name: "digest-e4e6b89e",
      namespace: "ark-system",
      labels: {
        "app.kubernetes.io/managed-by": "ark-operator",
        "arkonis.dev/namespace": "ai-team",
        "arkonis.dev/event": "digest",
      },
    },
    spec: {
      broker: "default",
      filters: [{ exact: { type: "dev.ark.webhook", source: "/ark/ai-team/arkevent/digest" } }],
      subscriber: dispatcher("/events/ai-team/digest"),
      delivery: {
        retry: 8,
        backoffPolicy: "exponential",
        backoffDelay: "PT1S",
        timeout: "PT30S",
        deadLetterSink: dispatcher("/dead-letter/ai-team/digest"),
      },
    },
  });
});

test.each([
  [
    "cron by its PingSource, never by type (knative 7.1)",
    { type: "cron", cron: "0 6 * * *" },
    [{ exact: { source: "/apis/v1/namespaces/ai-team/pingsources/digest-cron" } }],
  ],
  [
    "team-output by team, namespace and phase (D40)",
    { type: "team-output", teamOutput: { name: "research", onPhase: "Failed" } },
    [{ exact: { type: "dev.ark.run.failed", arkteam: "research", arknamespace: "ai-team" } }],
  ],
  [
    "cloudevent by the user's own filters",
    {
      type: "cloudevent",
      cloudevent: { filters: [{ prefix: { type: "com.github." } }, { not: { exact: { a: "b" } } }] },
    },
    [{ prefix: { type: "com.github." } }, { not: { exact: { a: "b" } } }],
  ],
])("T2: filters of %s", (_what, source, filters) => {
  expect(trigger(event(source), configOf()).spec.filters).toEqual(filters);
});

test("T3: no Trigger is owned, also beside its ArkEvent: garbage collection knows no turns (N1)", () => {
  for (const env of [{ ARK_BROKER_NAMESPACE: "ai-team" }, {}])
    expect(trigger(event({ type: "webhook" }), configOf(env)).metadata).not.toHaveProperty("ownerReferences");
});

test.each([
  [undefined, undefined],
  ["MTChannelBasedBroker", { "eventing.knative.dev/broker.class": "MTChannelBasedBroker" }],
  [
    "NatsJetStreamBroker",
    {
      "eventing.knative.dev/broker.class": "NatsJetStreamBroker",
      "natsjetstream.eventing.knative.dev/config":
        '{"stream":{"retention":"Limits","maxAge":"72h","maxBytes":1073741824,"duplicateWindow":"10m","storage":"File"},' +
        '"filter":{"env":[{"name":"NAMESPACE","value":"ark-system"}]}}',
    },
  ],
])("the Broker of class %s, and what that class needs", (brokerClass, annotations) => {
  const made = broker(configOf(brokerClass === undefined ? {} : { ARK_BROKER_CLASS: brokerClass }));
  expect(made?.metadata.annotations).toEqual(annotations);
});

test("nested teams' requests have a Trigger of their own", () => {
  expect(runRequestsTrigger(configOf()).spec).toMatchObject({
    filters: [{ exact: { type: "dev.ark.run.requested" } }],
    subscriber: dispatcher("/"),
    delivery: { retry: 8, deadLetterSink: dispatcher("/dead-letter") },
  });
});

test("the PingSource of a cron event", () => {
  const source = { type: "cron", cron: "30 6 * * 1-5", timeZone: "Europe/Berlin" };
  expect(pingSource(event(source), configOf())).toMatchObject({
    metadata: { name: "digest-cron", namespace: "ai-team", ownerReferences: [{ kind: "ArkEvent", uid: "u-1" }] },
    spec: {
      schedule: "30 6 * * 1-5",
      timezone: "Europe/Berlin",
      data: "{}",
      ceOverrides: { extensions: { arknamespace: "ai-team", arkevent: "digest" } },
      sink: { ref: { kind: "Broker", name: "default", namespace: "ark-system" } },
    },
  });
});

test.each([
  ["0 6 * * 7", "0 6 * * 0"],
  ["@daily", "0 0 * * *"],
  ["*/20 9-17 * JAN mon-FRI", "0,20,40 9-17 * 1 1-5"],
])("the PingSource of %s asks for %s, which Knative reads alike", (cron, schedule) => {
  expect(pingSource(event({ type: "cron", cron }), configOf()).spec.schedule).toBe(schedule);
});

test("the token's Secret, made and read", () => {
  expect(tokenSecret(event({ type: "webhook" }), "abc")).toMatchObject({
    metadata: { name: "digest-webhook-token", namespace: "ai-team", ownerReferences: [{ uid: "u-1" }] },
    stringData: { token: "abc" },
  });
  expect(tokenIn({ data: { token: Buffer.from("abc\n").toString("base64") } })).toBe("abc");
  expect(tokenIn({ data: { token: "" } })).toBeUndefined();
  expect(tokenIn({})).toBeUndefined();
  expect(configMapValue({ data: { a: "b" } }, "toString")).toBeUndefined();
});

function service(spec: object = {}, env: Record<string, string> = {}, natsSecret?: string) {
  const one = agent(spec);
  return agentService(
    { agent: one, refs: agentRefs(one), promptHash: "sha256:p", configHash: "c", natsSecret },
    configOf(env),
  );
}

test("S1: the Knative Service of an agent, whole", () => {
  expect(service({ replicas: 4, limits: { maxConcurrentTasks: 2, timeoutSeconds: 300 } })).toMatchSnapshot();
});

test("D29, D43, S3: what an agent refers to is mounted by name, key by key, and stands nowhere else", () => {
  const made = service({
    systemPromptRef: { configMapKeyRef: { name: "prompts", key: "writer" } },
    mcpServers: [
      { name: "wiki", url: "https://wiki", auth: { bearer: { secretKeyRef: { name: "wiki", key: "token" } } } },
    ],
    tools: [
      {
        name: "find",
        url: "https://find",
        headers: [
          { name: "x-a", secretKeyRef: { name: "wiki", key: "other" } },
          { name: "x-b", secretKeyRef: { name: "find", key: "key" } },
        ],
      },
    ],
    envFrom: [{ prefix: "MY_", secretRef: { name: "mine" } }, { configMapRef: { name: "plain" } }],
  });
  const { containers, volumes } = made.spec.template.spec;
  expect(volumes).toEqual([
    { name: "agent", configMap: { name: "writer-agent" } },
    {
      name: "configmap-0",
      configMap: { name: "prompts", items: [{ key: "writer", path: "writer" }], optional: true },
    },
    { name: "secret-0", secret: { secretName: "find", items: [{ key: "key", path: "key" }], optional: true } },
    {
      name: "secret-1",
      secret: {
        secretName: "wiki",
        items: [
          { key: "other", path: "other" },
          { key: "token", path: "token" },
        ],
        optional: true,
      },
    },
  ]);
  expect(containers[0]?.volumeMounts.map(({ mountPath }) => mountPath)).toEqual([
    "/etc/ark/agent",
    "/etc/ark/configmaps/prompts",
    "/etc/ark/secrets/find",
    "/etc/ark/secrets/wiki",
  ]);
  expect(containers[0]?.envFrom).toEqual([
    { secretRef: { name: "ark-api-keys", optional: true } },
    { prefix: "MY_", secretRef: { name: "mine" } },
    { configMapRef: { name: "plain" } },
  ]);
});

test("D29, S3: a client certificate is mounted as cert-manager writes it, its authority where there is one", () => {
  const server = (name: string) => ({
    name,
    url: `https://${name}`,
    auth: { mtls: { secretRef: { name: "client" } } },
  });
  const made = service({ mcpServers: [server("wiki"), server("mail")] });
  const { containers, volumes } = made.spec.template.spec;
  const items = ["ca.crt", "tls.crt", "tls.key"].map((key) => ({ key, path: key }));
  expect(volumes).toEqual([
    { name: "agent", configMap: { name: "writer-agent" } },
    { name: "secret-0", secret: { secretName: "client", items, optional: true } },
  ]);
  expect(containers[0]?.volumeMounts.slice(1)).toEqual([
    { name: "secret-0", mountPath: "/etc/ark/secrets/client", readOnly: true },
  ]);
});

test("where spans go is handed on to agents, and nothing of it where nothing is set", () => {
  const both = (env: Record<string, string>) => [service({}, env), routerService(writing, undefined, configOf(env))];
  const otel = (env: Record<string, string>) =>
    both(env).map(({ spec }) =>
      spec.template.spec.containers[0]?.env.filter(({ name }) => name.startsWith("OTEL_")).map(({ name }) => name),
    );
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.observability:4318" };
  const interval = { OTEL_METRIC_EXPORT_INTERVAL: "10000" };
  const names = Object.keys({ ...endpoint, ...interval });
  expect(otel({ ...endpoint, ...interval, OTEL_EXPORTER_OTLP_HEADERS: "key=secret" })).toEqual([names, names]);
  expect(otel({ OTEL_EXPORTER_OTLP_ENDPOINT: "" })).toEqual([[], []]);
});

test("agents and routers are told nothing that they do not read", () => {
  const told = ({ spec }: ReturnType<typeof service>) =>
    (spec.template.spec.containers[0]?.env ?? []).map(({ name }) => name).filter((name) => name.startsWith("ARK_"));
  const unread = (names: readonly string[], env: object) => names.filter((name) => !Object.hasOwn(env, name));
  expect(unread(told(service({}, {}, "nats-user")), EXECUTOR_ENV.shape)).toEqual([]);
  expect(unread(told(routerService(writing, "nats-user", configOf())), ROUTER_ENV.shape)).toEqual([]);
});

test("agents and routers sign in to NATS as whom a Secret of their namespace says, by file (D29)", () => {
  for (const made of [service({}, {}, "nats-user"), routerService(writing, "nats-user", configOf())]) {
    const { containers, volumes } = made.spec.template.spec;
    expect(containers[0]?.env).toContainEqual({ name: "ARK_NATS_CREDS", value: "/etc/ark/nats/nats.creds" });
    expect(containers[0]?.env).toContainEqual({ name: "ARK_NATS_GUEST", value: "true" });
    expect(containers[0]?.volumeMounts).toContainEqual({ name: "nats", mountPath: "/etc/ark/nats", readOnly: true });
    const items = [{ key: "nats.creds", path: "nats.creds" }];
    expect(volumes).toContainEqual({ name: "nats", secret: { secretName: "nats-user", items, optional: true } });
  }
  expect(JSON.stringify([service(), routerService(writing, undefined, configOf())])).not.toMatch(/creds|"nats"/);
});

test.each([
  ["replicas 0 drains, and max-scale 0 would be no limit", { replicas: 0 }, {}, { "max-scale": "1", "min-scale": "0" }],
  [
    "bounds of autoscaling",
    { autoscaling: { minReplicas: 2, maxReplicas: 9 } },
    {},
    { "min-scale": "2", "max-scale": "9", target: undefined },
  ],
  [
    "fewer tasks for each pod than it could take",
    { limits: { maxConcurrentTasks: 8 }, autoscaling: { targetPendingTasks: 2 } },
    {},
    { target: "2" },
  ],
  ["no autoscaling", { replicas: 3, autoscaling: { enabled: false } }, {}, { "min-scale": "3", "max-scale": "3" }],
  ["a cluster may refuse an initial scale of zero", {}, { ARK_ALLOW_ZERO_INITIAL_SCALE: "false" }, {}],
])("scale: %s", (_what, spec, env, wanted) => {
  const { annotations } = service(spec, env).spec.template.metadata;
  for (const [key, value] of Object.entries(wanted)) expect(annotations[`autoscaling.knative.dev/${key}`]).toBe(value);
  const initial = annotations["autoscaling.knative.dev/initial-scale"];
  expect(initial).toBe("ARK_ALLOW_ZERO_INITIAL_SCALE" in env ? undefined : "0");
});

const writing = ArkServiceSchema.parse({
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkService",
  metadata: { name: "writing", namespace: "ai-team", uid: "u-3" },
  spec: { selector: { arkAgent: "writer" }, ports: [{ protocol: "HTTP", port: 8081 }] },
});

test("S1: the Knative Service of a router, whole", () => {
  expect(routerService(writing, undefined, configOf({ ARK_ROUTER_ARGS: "/app/router/main.js" }))).toMatchSnapshot();
});

test("S2: a router's Service says nothing that a change of its ArkService would change", () => {
  const other = { ...writing.spec, selector: { arkAgent: "editor" }, routing: { strategy: "random" as const } };
  expect(routerService({ ...writing, spec: other }, undefined, configOf())).toEqual(
    routerService(writing, undefined, configOf()),
  );
});

test("S3: a router's callers wait as long as the cluster lets them, up to an hour", () => {
  const patience = (seconds: string) => {
    const { spec } = routerService(writing, undefined, configOf({ ARK_MAX_REVISION_TIMEOUT_SECONDS: seconds })).spec
      .template;
    return [spec.timeoutSeconds, spec.responseStartTimeoutSeconds];
  };
  expect(patience("600")).toEqual([600, 600]);
  expect(patience("7200")).toEqual([3_660, 3_660]);
});

test("the token of a service is a Secret of its own", () => {
  expect(tokenSecret(writing, "abc").metadata).toMatchObject({
    name: "writing-service-token",
    namespace: "ai-team",
    labels: { "arkonis.dev/service": "writing" },
    ownerReferences: [{ kind: "ArkService", name: "writing", uid: "u-3" }],
  });
});

test("K1: a guest's Secret goes with its owner, and is another one for another signing key", () => {
  const secret = guestSecret(agent(), "AKEY", "the credentials");
  expect(secret).toMatchObject({
    metadata: {
      namespace: "ai-team",
      labels: { "arkonis.dev/agent": "writer" },
      ownerReferences: [{ kind: "ArkAgent", uid: "u-2" }],
    },
    stringData: { "nats.creds": "the credentials" },
  });
  expect(guestSecretName(agent(), "AKEY")).toMatch(/^writer-agent-nats-[0-9a-f]{8}$/);
  expect(guestSecretName(writing, "AKEY")).toMatch(/^writing-router-nats-[0-9a-f]{8}$/);
  expect(guestSecretName(agent(), "ANOTHER")).not.toBe(guestSecretName(agent(), "AKEY"));
});

test.each([
  ["unset", undefined, { cpu: "100m", memory: "128Mi" }, { cpu: "500m", memory: "512Mi" }],
  ["empty", {}, { cpu: "100m", memory: "128Mi" }, { cpu: "500m", memory: "512Mi" }],
  [
    "one named in one map: its other side is Kubernetes' to fill",
    { limits: { memory: "64Mi" } },
    { cpu: "100m" },
    { cpu: "500m", memory: "64Mi" },
  ],
  [
    "all named, and more",
    { requests: { cpu: 1, memory: "1Gi" }, limits: { cpu: 2, "nvidia.com/gpu": 1 } },
    { cpu: "1", memory: "1Gi" },
    { cpu: "2", "nvidia.com/gpu": "1" },
  ],
])("resources, %s", (_what, resources, requests, limits) => {
  const [container] = service(resources === undefined ? {} : { resources }).spec.template.spec.containers;
  expect(container?.resources).toEqual({ requests, limits });
});

test("three timeouts of a long agent go together, up to the cluster's limit", () => {
  const { spec } = service({ limits: { timeoutSeconds: 3_600 } }, { ARK_MAX_REVISION_TIMEOUT_SECONDS: "5400" }).spec
    .template;
  expect(spec).toMatchObject({ timeoutSeconds: 3_720, responseStartTimeoutSeconds: 3_720 });
  expect(service({ limits: { timeoutSeconds: 3_600 } }).spec.template.spec.timeoutSeconds).toBe(600);
});

test("the agent's file holds what the executor needs alone: a new status or network policy is no new revision", () => {
  const one = agent();
  const noisy = {
    ...one,
    status: { replicas: 3 },
    metadata: { ...one.metadata, resourceVersion: "7", labels: { a: "b" } },
  };
  expect(agentFile(noisy, [])).toBe(agentFile(one, []));
  const pods = { networkPolicy: "strict", autoscaling: { minReplicas: 1 }, resources: { limits: { cpu: 1 } } };
  expect(agentFile(agent(pods), [])).toBe(agentFile(agent(), []));
  expect(JSON.parse(agentFile(one, []))).toMatchObject({
    agent: {
      kind: "ArkAgent",
      metadata: { name: "writer", namespace: "ai-team", uid: "u-2" },
      spec: { model: "gpt-4o" },
    },
    settings: [],
  });
  expect(agentConfigMap(one, "{}")).toMatchObject({ metadata: { name: "writer-agent" }, data: { "agent.json": "{}" } });
});

test("a bad environment is told whole, each fault with its variable", () => {
  const outcome = parseConfig(readEnv({ PORT: "x", ARK_WEBHOOK_URL: "nowhere", ARK_NATS_URL: "" }));
  const faults = outcome.kind === "faults" ? outcome.faults.join("\n") : "";
  for (const name of ["ARK_NATS_URL", "ARK_EXECUTOR_IMAGE", "PORT", "ARK_WEBHOOK_URL"]) expect(faults).toContain(name);
});
