import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Kind } from "#core/api/objects.ts";
import { RUN_FINALIZER, runObject } from "#core/runs/run-object.ts";
import { startRun } from "#core/runs/start-run.ts";
import { openKube } from "#platform/kube/client.ts";
import { kubeObjects } from "#platform/kube/objects.ts";
import { watchObjects } from "#platform/kube/watch.ts";
import { fieldOf, type OperatorWorld, POLL, readyOf, startOperatorWorld, type Term } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

let world: OperatorWorld;
let term: Term;
beforeAll(async () => {
  world = await startOperatorWorld();
  term = world.lead({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://10.9.9.9:4318" });
});
afterAll(() => world[Symbol.asyncDispose]());

const ark = (plural: string) => `/apis/arkonis.dev/v1alpha1/namespaces/default/${plural}`;
const SERVICES = "/apis/serving.knative.dev/v1/namespaces/default/services";
const REVISIONS = "/apis/serving.knative.dev/v1/namespaces/default/revisions";
const CORE = "/api/v1/namespaces/default";

const get = (path: string) => world.get(path);
const post = (path: string, body: object) => world.post(path, body);
const make = (kind: Kind, name: string, spec: object) => world.create(kind, name, spec);
const patch = (path: string, body: object) => world.api.request("PATCH", path, body);

async function ready(plural: string, name: string): Promise<string> {
  const { status, reason } = readyOf(await get(`${ark(plural)}/${name}`));
  return `${status} ${reason}`;
}

const template = async (agent: string) => fieldOf(await get(`${SERVICES}/${agent}-agent`), "spec", "template");
const annotation = async (agent: string, name: string) =>
  fieldOf(await template(agent), "metadata", "annotations", name);

/** Kubernetes Events about an object, each once. */
async function told(name: string): Promise<readonly string[]> {
  const items = fieldOf(await get("/apis/events.k8s.io/v1/namespaces/default/events"), "items");
  const about = (Array.isArray(items) ? items : []).filter((one) => fieldOf(one, "regarding", "name") === name);
  return [...new Set(about.map((one) => `${String(fieldOf(one, "type"))} ${String(fieldOf(one, "reason"))}`))];
}

async function giveKeys(): Promise<void> {
  const secret = { metadata: { name: "ark-api-keys" }, stringData: { OPENAI_API_KEY: "sk-secret" } };
  await world.api.request("POST", `${CORE}/secrets`, secret);
}

test("an agent without its key, its prompt or its settings says which, and is given no Service (D31, D49)", async () => {
  await make("ArkAgent", "needy", {
    model: "gpt-4o",
    systemPromptRef: { configMapKeyRef: { name: "prompts", key: "needy" } },
    settingsRefs: [{ name: "style" }],
  });
  await expect.poll(() => ready("arkagents", "needy"), POLL).toBe("False SettingsNotFound");
  await make("ArkSettings", "style", { temperature: "0.2" });
  await expect.poll(() => ready("arksettings", "style"), POLL).toBe("True Accepted");
  await expect.poll(() => ready("arkagents", "needy"), POLL).toBe("False MissingCredentials");
  expect(await get(`${SERVICES}/needy-agent`)).toBeUndefined();
  await giveKeys();
  await expect.poll(() => ready("arkagents", "needy"), POLL).toBe("False PromptResolutionError");
  await post(`${CORE}/configmaps`, { metadata: { name: "prompts" }, data: { needy: "You need." } });
  await expect.poll(() => ready("arkagents", "needy"), POLL).toBe("False Progressing");
  const service = await get(`${SERVICES}/needy-agent`);
  expect(JSON.stringify(service)).not.toContain("sk-secret");
  expect(fieldOf(service, "metadata", "ownerReferences")).toMatchObject([{ kind: "ArkAgent", name: "needy" }]);
  const file = fieldOf(await get(`${CORE}/configmaps/needy-agent`), "data", "agent.json");
  expect(JSON.parse(String(file))).toMatchObject({
    agent: { metadata: { name: "needy", namespace: "default" }, spec: { model: "gpt-4o" } },
    settings: [{ metadata: { name: "style" }, spec: { temperature: "0.2" } }],
  });
});

test("an agent whose envFrom names what is not there says so, and heals: Kubernetes would make no container (D49)", async () => {
  await giveKeys();
  const envFrom = [{ secretRef: { name: "env-keys" } }, { prefix: "MY_", configMapRef: { name: "env-plain" } }];
  await make("ArkAgent", "bare", { model: "gpt-4o", systemPrompt: "x", envFrom });
  const said = async () => {
    const conditions = fieldOf(await get(`${ark("arkagents")}/bare`), "status", "conditions");
    const one = (Array.isArray(conditions) ? conditions : []).find((each) => fieldOf(each, "type") === "Ready");
    return `${String(fieldOf(one, "reason"))} ${String(fieldOf(one, "message"))}`;
  };
  await expect.poll(said, POLL).toBe('MissingCredentials envFrom: Secret "env-keys" does not exist');
  await post(`${CORE}/secrets`, { metadata: { name: "env-keys" }, stringData: { MY_KEY: "k" } });
  await expect.poll(said, POLL).toBe('MissingCredentials envFrom: ConfigMap "env-plain" does not exist');
  expect(await get(`${SERVICES}/bare-agent`)).toBeUndefined();
  await post(`${CORE}/configmaps`, { metadata: { name: "env-plain" }, data: {} });
  await expect.poll(() => ready("arkagents", "bare"), POLL).toBe("False Progressing");
  expect(await get(`${SERVICES}/bare-agent`)).toBeDefined();
});

test("an agent may do without what its envFrom calls optional", async () => {
  await giveKeys();
  const envFrom = [
    { secretRef: { name: "extras", optional: true } },
    { configMapRef: { name: "more", optional: true } },
  ];
  await make("ArkAgent", "spare", { model: "gpt-4o", systemPrompt: "x", envFrom });
  await expect.poll(() => ready("arkagents", "spare"), POLL).toBe("False Progressing");
  expect(await get(`${SERVICES}/spare-agent`)).toBeDefined();
});

test("a changed prompt, and a changed key, roll a revision; what changes elsewhere rolls none", async () => {
  await giveKeys();
  await post(`${CORE}/configmaps`, { metadata: { name: "texts" }, data: { mine: "One.", other: "x" } });
  await make("ArkAgent", "roller", {
    model: "gpt-4o",
    systemPromptRef: { configMapKeyRef: { name: "texts", key: "mine" } },
  });
  const prompt = () => annotation("roller", "arkonis.dev/system-prompt-hash");
  const config = () => annotation("roller", "arkonis.dev/config-hash");
  await expect.poll(prompt, POLL).toMatch(/^sha256:/);
  const [first, firstConfig] = [await prompt(), await config()];
  await patch(`${CORE}/configmaps/texts`, { data: { other: "y" } });
  await patch(`${CORE}/configmaps/texts`, { data: { mine: "Two." } });
  await expect.poll(prompt, POLL).not.toBe(first);
  expect(await config()).toBe(firstConfig);
  await patch(`${CORE}/secrets/ark-api-keys`, { stringData: { OPENAI_API_KEY: "sk-other" } });
  await expect.poll(config, POLL).not.toBe(firstConfig);
});

test("what an agent may reach follows its networkPolicy and the services it names; what is taken away comes back", async () => {
  await giveKeys();
  const system = (name: string, spec: object) =>
    world.api.request("POST", "/api/v1/namespaces/ark-system/services", { metadata: { name }, spec });
  await system("gateway", { selector: { app: "gateway" }, ports: [{ port: 80, targetPort: 8081 }] });
  const externalName = "gateway.ark-system.svc.cluster.local";
  await post(`${CORE}/services`, { metadata: { name: "wiki" }, spec: { type: "ExternalName", externalName } });
  await make("ArkAgent", "confined", {
    model: "gpt-4o",
    systemPrompt: "You stay.",
    networkPolicy: "strict",
    mcpServers: [{ name: "wiki", url: "http://wiki/mcp" }],
    tools: [{ name: "later", url: "http://later.default.svc:8080" }],
  });
  const path = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies/confined-agent";
  const reached = async () => {
    const egress = fieldOf(await get(path), "spec", "egress");
    return JSON.stringify(Array.isArray(egress) ? egress : []);
  };
  await expect.poll(reached, POLL).toContain('"port":8081');
  expect(await reached()).toContain('"matchLabels":{"app":"gateway"}');
  // Where its spans go.
  expect(await reached()).toContain('"cidr":"10.9.9.9/32"');
  expect(fieldOf(await get(path), "spec", "podSelector")).toEqual({ matchLabels: { "arkonis.dev/agent": "confined" } });
  const spec = { selector: { app: "later" }, ports: [{ port: 8080, targetPort: "web" }] };
  await post(`${CORE}/services`, { metadata: { name: "later" }, spec });
  await expect.poll(reached, POLL).toContain('"port":"web"');
  await world.api.request("DELETE", path);
  await expect.poll(reached, POLL).toContain('"port":"web"');
  const agent = `${ark("arkagents")}/confined`;
  await patch(agent, { spec: { networkPolicy: "default" } });
  await expect.poll(reached, POLL).toContain('"0.0.0.0/0"');
  await patch(agent, { spec: { networkPolicy: "disabled" } });
  await expect.poll(() => get(path), POLL).toBeUndefined();
});

test("bounds and resources stand in the Service of an agent, and follow a change", async () => {
  await giveKeys();
  await make("ArkAgent", "sized", {
    model: "gpt-4o",
    systemPrompt: "You fit.",
    autoscaling: { minReplicas: 1, maxReplicas: 4 },
    resources: { limits: { memory: "1Gi", cpu: 2 } },
  });
  const bound = (name: string) => annotation("sized", `autoscaling.knative.dev/${name}`);
  await expect.poll(() => bound("max-scale"), POLL).toBe("4");
  expect(await bound("min-scale")).toBe("1");
  const containers = fieldOf(await template("sized"), "spec", "containers");
  expect(containers).toMatchObject([{ resources: { limits: { memory: "1Gi", cpu: "2" } } }]);
  const config = await annotation("sized", "arkonis.dev/config-hash");
  await patch(`${ark("arkagents")}/sized`, { spec: { autoscaling: { minReplicas: 0 } } });
  await expect.poll(() => bound("min-scale"), POLL).toBe("0");
  expect(await annotation("sized", "arkonis.dev/config-hash")).toBe(config);
});

test("status: asleep, awake by the pods of its revisions, and what waits for it", async () => {
  await giveKeys();
  await make("ArkAgent", "sleeper", { model: "gpt-4o", systemPrompt: "You sleep.", replicas: 3 });
  const path = `${SERVICES}/sleeper-agent`;
  await expect.poll(() => get(path), POLL).toBeDefined();
  const url = "http://127.0.0.1:9";
  await patch(`${path}/status`, { status: { conditions: [{ type: "Ready", status: "True" }], address: { url } } });
  await expect.poll(() => ready("arkagents", "sleeper"), POLL).toBe("True ScaledToZero");
  const labels = {
    "app.kubernetes.io/managed-by": "ark-operator",
    "arkonis.dev/agent": "sleeper",
    "serving.knative.dev/service": "sleeper-agent",
  };
  const revision = { apiVersion: "serving.knative.dev/v1", kind: "Revision", metadata: { name: "r-1", labels } };
  await post(REVISIONS, revision);
  await patch(`${REVISIONS}/r-1/status`, { status: { actualReplicas: 2 } });
  await expect.poll(() => ready("arkagents", "sleeper"), POLL).toBe("True AllReplicasReady");
  const task = { uid: "u", run: "r", namespace: "default", agent: "sleeper", iteration: 0, attempt: 1, budgets: [] };
  for (const step of ["a", "b"]) await world.js.tasks.publish({ ...task, step, prompt: { inline: "go" } });
  const status = async () => fieldOf(await get(`${ark("arkagents")}/sleeper`), "status");
  await expect.poll(async () => fieldOf(await status(), "pendingTasks"), POLL).toBe(2);
  const address = "http://ark-dispatcher.ark-system.svc.cluster.local/addresses/default/arkagent/sleeper";
  expect(await status()).toMatchObject({
    replicas: 2,
    readyReplicas: 2,
    desiredReplicas: 1,
    address: { url: address },
  });

  await patch(`${REVISIONS}/r-1/status`, { status: { actualReplicas: 0 } });
  await expect.poll(() => ready("arkagents", "sleeper"), POLL).toBe("True ScaledToZero");
  await expect.poll(() => told("sleeper"), POLL).toContain("Normal ScaledToZero");
});

test("api 16: an agent that has used up its day is told of once; without the limit nothing is said of it", async () => {
  await giveKeys();
  await make("ArkAgent", "spender", {
    model: "gpt-4o",
    systemPrompt: "You spend.",
    limits: { maxDailyTokens: 100 },
  });
  const path = `${ark("arkagents")}/spender`;
  const budget = async () => {
    const conditions = fieldOf(await get(path), "status", "conditions");
    return (Array.isArray(conditions) ? conditions : []).find((one) => fieldOf(one, "type") === "BudgetExceeded");
  };
  await expect.poll(budget, POLL).toMatchObject({ status: "False" });
  const id = { namespace: "default", agent: "spender" };
  await world.js.usage.add(id, { inputTokens: 90, outputTokens: 20 }, Date.now());
  await expect.poll(budget, POLL).toMatchObject({ status: "True", reason: "DailyLimitReached" });
  await expect.poll(() => told("spender"), POLL).toContain("Warning DailyLimitReached");
  await patch(path, { spec: { limits: { maxDailyTokens: null } } });
  await expect.poll(budget, POLL).toBeUndefined();
});

test("D26: what an agent said last shows while it sleeps, with its reason", async () => {
  await giveKeys();
  const livenessProbe = { type: "semantic", validatorPrompt: "Say HEALTHY", intervalSeconds: 5 };
  const spec = { model: "gpt-4o", systemPrompt: "You ail.", livenessProbe };
  const made = await make("ArkAgent", "patient", spec);
  const id = { namespace: "default", agent: "patient", uid: String(fieldOf(made, "metadata", "uid")) };
  const status = async () => fieldOf(await get(`${ark("arkagents")}/patient`), "status");
  const healthy = (verdict: string, reason: string) =>
    expect.arrayContaining([expect.objectContaining({ type: "Healthy", status: verdict, reason })]);
  await expect.poll(status, POLL).toMatchObject({ conditions: healthy("Unknown", "NotProbed") });
  const tell = async (verdict: "healthy" | "unhealthy") => {
    const looked = await world.js.probes.look(id, verdict);
    if (looked.kind !== "ours") throw new Error(looked.kind);
    await looked.turn.tell(verdict, 5_000);
  };
  await tell("unhealthy");
  const failed = { conditions: healthy("False", "ProbeFailed"), lastProbe: { healthy: false }, readyReplicas: 0 };
  await expect.poll(status, POLL).toMatchObject(failed);
  const events = "/apis/events.k8s.io/v1/namespaces/default/events";
  await expect
    .poll(async () => JSON.stringify(await get(events)), POLL)
    .toContain("no tasks are taken until it answers HEALTHY");
  await tell("healthy");
  const passed = { conditions: healthy("True", "ProbePassed"), lastProbe: { healthy: true } };
  await expect.poll(status, POLL).toMatchObject(passed);

  await world.api.request("DELETE", `${ark("arkagents")}/patient`);
  await expect.poll(status, POLL).toBeUndefined();
  await make("ArkAgent", "patient", spec);
  await expect.poll(status, POLL).toMatchObject({ conditions: healthy("Unknown", "NotProbed") });
  expect(fieldOf(await status(), "lastProbe")).toBeUndefined();
});

test("D27: how its instances found its MCP servers last shows while it sleeps; what left the spec, or was another agent's, does not", async () => {
  const url = (name: string) => `http://${name}.tools.svc/mcp`;
  const servers = [
    { name: "wiki", url: `${url("wiki")}?key=hidden` },
    { name: "mail", url: url("mail") },
  ];
  const spec = { model: "gpt-4o", systemPrompt: "You look up.", mcpServers: servers };
  const path = `${ark("arkagents")}/reader`;
  const made = await make("ArkAgent", "reader", spec);
  const status = async () => fieldOf(await get(path), "status");
  const degraded = (verdict: string, reason: string, message = expect.any(String)) =>
    expect.arrayContaining([expect.objectContaining({ type: "MCPDegraded", status: verdict, reason, message })]);
  await expect.poll(status, POLL).toMatchObject({ conditions: degraded("Unknown", "NotTried") });
  expect(fieldOf(await status(), "mcpServers")).toBeUndefined();

  const id = { namespace: "default", agent: "reader", uid: String(fieldOf(made, "metadata", "uid")) };
  const [since, at] = [Date.parse("2026-01-01T10:00:00Z"), Date.parse("2026-01-01T10:00:30Z")];
  const mail = { name: "mail", url: url("mail"), healthy: true, at, since };
  const down = { name: "wiki", url: url("wiki"), healthy: false, message: "fetch failed", at, since };
  await world.js.toolServers.tell(id, [down, mail]);
  await expect.poll(status, POLL).toMatchObject({
    conditions: degraded("True", "ServerUnreachable", "unreachable: wiki"),
    mcpServers: [
      {
        name: "wiki",
        url: url("wiki"),
        healthy: false,
        message: "since 2026-01-01T10:00:00Z: fetch failed",
        lastCheck: "2026-01-01T10:00:30Z",
      },
      { name: "mail", url: url("mail"), healthy: true, lastCheck: "2026-01-01T10:00:30Z" },
    ],
  });
  const events = "/apis/events.k8s.io/v1/namespaces/default/events";
  await expect.poll(async () => JSON.stringify(await get(events)), POLL).toContain('"reason":"MCPDegraded"');
  await world.js.toolServers.tell(id, [{ ...down, message: "AuthFailed: the server answered 401" }, mail]);
  await expect.poll(status, POLL).toMatchObject({ conditions: degraded("True", "AuthFailed", "refused by: wiki") });
  await world.js.toolServers.tell(id, [{ ...mail, name: "wiki", url: url("wiki") }, mail]);
  await expect.poll(status, POLL).toMatchObject({ conditions: degraded("False", "ServersReached") });

  await world.js.toolServers.tell(id, [down, mail]);
  await expect.poll(status, POLL).toMatchObject({ conditions: degraded("True", "ServerUnreachable") });
  await patch(path, { spec: { mcpServers: servers.slice(1) } });
  await expect.poll(status, POLL).toMatchObject({ conditions: degraded("False", "ServersReached") });
  expect(fieldOf(await status(), "mcpServers")).toMatchObject([{ name: "mail" }]);
  await patch(path, { spec: { mcpServers: null } });
  await expect.poll(async () => JSON.stringify(await status()), POLL).not.toContain("MCPDegraded");
  expect(fieldOf(await status(), "mcpServers")).toBeUndefined();

  await world.api.request("DELETE", path);
  await expect.poll(() => get(path), POLL).toBeUndefined();
  await make("ArkAgent", "reader", spec);
  await expect.poll(status, POLL).toMatchObject({ conditions: degraded("Unknown", "NotTried") });
  expect(fieldOf(await status(), "mcpServers")).toBeUndefined();
});

const TEAM = {
  roles: [{ name: "writer", model: "gpt-4o", systemPrompt: "You write." }],
  pipeline: [{ role: "writer" }],
};

test("a team's inline role becomes an ArkAgent that follows it, and goes with the role", async () => {
  await make("ArkTeam", "blog", TEAM);
  const path = `${ark("arkagents")}/blog-writer`;
  await expect.poll(() => get(path), POLL).toBeDefined();
  await expect.poll(() => ready("arkteams", "blog"), POLL).toBe("True Validated");
  expect(fieldOf(await get(`${ark("arkteams")}/blog`), "status", "address", "url")).toBe(
    "http://ark-dispatcher.ark-system.svc.cluster.local/addresses/default/arkteam/blog",
  );
  const generation = async () => fieldOf(await get(path), "metadata", "generation");
  expect(await generation()).toBe(1);
  await patch(path, { spec: { replicas: 7 } });
  await expect.poll(async () => fieldOf(await get(path), "spec", "replicas"), POLL).toBe(1);
  await world.api.request("DELETE", path);
  await expect.poll(generation, POLL).toBe(1);
  const roles = [{ ...TEAM.roles[0], name: "editor" }];
  await patch(`${ark("arkteams")}/blog`, { spec: { roles, pipeline: [{ role: "editor" }] } });
  await expect.poll(() => get(`${ark("arkagents")}/blog-editor`), POLL).toBeDefined();
  await expect.poll(() => get(path), POLL).toBeUndefined();
});

test("api 2, 3: what only its own library can judge is found, and named, before anything runs", async () => {
  const step = { role: "writer", outputSchema: { type: "strin" } };
  await make("ArkTeam", "unclear", { ...TEAM, pipeline: [step] });
  await expect.poll(() => ready("arkteams", "unclear"), POLL).toBe("False InvalidSchema");
  const status = fieldOf(await get(`${ark("arkteams")}/unclear`), "status");
  expect(JSON.stringify(status)).toContain("spec.pipeline[0].outputSchema: ");
  await patch(`${ark("arkteams")}/unclear`, { spec: { pipeline: [{ ...step, outputSchema: { type: "string" } }] } });
  await expect.poll(() => ready("arkteams", "unclear"), POLL).toBe("True Validated");

  await giveKeys();
  const tool = { name: "post", url: "https://tools.example/post", inputSchema: "{" };
  await make("ArkAgent", "muddled", { model: "gpt-4o", systemPrompt: "You muddle.", tools: [tool] });
  await expect.poll(() => ready("arkagents", "muddled"), POLL).toBe("False InvalidSpec");
  expect(await get(`${SERVICES}/muddled-agent`)).toBeUndefined();
});

test("M1: an ArkAgent of somebody's own is not taken over", async () => {
  await make("ArkAgent", "press-writer", { model: "gpt-4o", systemPrompt: "Mine." });
  await make("ArkTeam", "press", TEAM);
  await expect.poll(() => ready("arkteams", "press"), POLL).toBe("False ReconcileError");
  expect(fieldOf(await get(`${ark("arkagents")}/press-writer`), "spec", "systemPrompt")).toBe("Mine.");
});

test("a run made by hand is completed, announced once, and cancelled by annotation", async () => {
  await make("ArkTeam", "hand", { ...TEAM, input: { topic: "x" } });
  const path = `${ark("arkruns")}/hand-run-1`;
  const run = await make("ArkRun", "hand-run-1", { teamRef: "hand", input: { topic: "y" } });
  const uid = String(fieldOf(run, "metadata", "uid"));
  const facts = async () => {
    const kinds: string[] = [];
    for await (const { fact } of world.js.factLog.history({ namespace: "default", run: "hand-run-1" }))
      kinds.push(fact.kind);
    return kinds;
  };
  await expect.poll(facts, POLL).toEqual(["run.requested"]);
  const stored = await get(path);
  expect(stored?.["spec"]).toMatchObject({ teamGeneration: 1, input: { topic: "y" }, pipeline: [{ role: "writer" }] });
  expect(fieldOf(stored, "metadata", "finalizers")).toEqual(["arkonis.dev/run"]);
  expect(fieldOf(stored, "metadata", "labels")).toEqual({ "arkonis.dev/team": "hand" });
  await patch(`${path}/status`, { status: { phase: "Running" } });
  await world.js.runStates.put(stateOf(uid, "hand-run-1"), 0);
  await patch(path, { metadata: { annotations: { "arkonis.dev/cancel": "true" } } });
  await expect.poll(facts, POLL).toEqual(["run.requested", "run.cancel"]);
  await expect.poll(async () => fieldOf(await get(`${ark("arkteams")}/hand`), "status", "phase"), POLL).toBe("Running");
});

test("R1: a fire's run is held from its first moment, by whoever made it: the operator writes nothing to it", async () => {
  const objects = kubeObjects(openKube({ kubeconfig: world.api.kubeconfig }), "ark-dispatcher");
  const { js } = world;
  const spec = { agent: "sleeper", prompt: "go" };
  const origin = { event: "order", eventKey: "key", depth: 0, hop: 0 };
  const run = runObject({ namespace: "default", name: "order-1" }, spec, origin, undefined);
  const deps = { objects, facts: js.factLog, starts: js.starts, now: Date.now, finalizers: [RUN_FINALIZER] };
  expect(await startRun(run, deps)).toMatchObject({ kind: "started", created: true });
  const path = `${ark("arkruns")}/order-1`;
  await patch(`${path}/status`, { status: { phase: "Succeeded" } });
  await expect.poll(() => get(`/api/v1/namespaces/default/secrets/ark-record-token`), POLL).toBeDefined();
  await term.leading.settled();
  const stored = await get(path);
  expect(fieldOf(stored, "metadata", "finalizers")).toEqual([RUN_FINALIZER]);
  expect(JSON.stringify(fieldOf(stored, "metadata", "managedFields"))).not.toContain("ark-operator");
  await world.api.request("DELETE", path);
  await expect.poll(() => get(path), POLL).toBeUndefined();
});

test("the token of the record that a user deletes to rotate it comes back, also where nothing starts (T1)", async () => {
  const path = `${CORE}/secrets/ark-record-token`;
  await make("ArkAgent", "keeper", { model: "gpt-4o", systemPrompt: "x" });
  const uid = async () => fieldOf(await get(path), "metadata", "uid");
  await expect.poll(uid, POLL).toBeDefined();
  const before = await uid();
  await term.leading.settled();
  await world.api.request("DELETE", path);
  await expect.poll(async () => ![undefined, before].includes((await uid()) as string | undefined), POLL).toBe(true);
});

test("a burst of runs is shown once a second: no status leads to the next one", async () => {
  await make("ArkTeam", "busy", { ...TEAM, successfulRunsHistoryLimit: 100 });
  const team = `${ark("arkteams")}/busy`;
  await expect.poll(() => ready("arkteams", "busy"), POLL).toContain("True");
  const kube = openKube({ kubeconfig: world.api.kubeconfig });
  const stop = new AbortController();
  let changes = 0;
  const watching = (async () => {
    for await (const { object } of watchObjects(kube, ark("arkteams"), { signal: stop.signal }))
      if (object.metadata.name === "busy") changes += 1;
  })();
  await expect.poll(() => changes, POLL).toBeGreaterThan(0);
  const began = performance.now();
  const before = changes;
  for (let n = 0; n < 40; n++) {
    await make("ArkRun", `busy-${n}`, { teamRef: "busy" });
    await patch(`${ark("arkruns")}/busy-${n}/status`, { status: { phase: n % 2 === 0 ? "Succeeded" : "Failed" } });
  }
  const shown = async () => fieldOf(await get(team), "status", "lastRunPhase");
  await expect.poll(shown, POLL).toMatch(/Succeeded|Failed/);
  const last = changes - before;
  expect(last).toBeGreaterThan(0);
  expect(last).toBeLessThanOrEqual(2 + (performance.now() - began) / 1_000);
  stop.abort();
  await watching;
});

/** As the collector keeps it. */
function stateOf(uid: string, run: string, ended = false) {
  const phase = ended ? { kind: "ended", outcome: "failed", at: 1 } : { kind: "running" };
  return { namespace: "default", run, uid, phase, steps: {}, issued: {} } as unknown as Parameters<
    typeof world.js.runStates.put
  >[0];
}

test("R2: a run that is deleted while it goes on is cancelled first; its record goes with it", async () => {
  const name = { namespace: "default", run: "doomed" };
  const run = await make("ArkRun", "doomed", { agent: "sleeper", prompt: "go" });
  const uid = String(fieldOf(run, "metadata", "uid"));
  const path = `${ark("arkruns")}/doomed`;
  await expect.poll(async () => fieldOf(await get(path), "metadata", "finalizers"), POLL).toEqual(["arkonis.dev/run"]);
  const put = await world.js.runStates.put(stateOf(uid, "doomed"), 0);
  await world.api.request("DELETE", path);
  const facts = async () => {
    const kinds: string[] = [];
    for await (const { fact } of world.js.factLog.history(name)) kinds.push(fact.kind);
    return kinds;
  };
  await expect.poll(facts, POLL).toContain("run.cancel");
  expect(await get(path)).toBeDefined();
  await world.js.runStates.put(stateOf(uid, "doomed", true), put.kind === "stored" ? put.revision : 0);
  await expect.poll(() => get(path), POLL).toBeUndefined();
  expect(await facts()).toEqual([]);
  expect(await world.js.runStates.get(name)).toBeUndefined();
});

test("D52: ended runs beyond a team's limits are let go, those that go on never", async () => {
  await make("ArkTeam", "tidy", { ...TEAM, successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 0 });
  const runs = ["tidy-1", "tidy-2", "tidy-3", "tidy-4"];
  for (const name of runs) await make("ArkRun", name, { teamRef: "tidy" });
  const end = (name: string, phase: string, second: number) =>
    patch(`${ark("arkruns")}/${name}/status`, { status: { phase, completionTime: `2026-01-01T00:00:0${second}Z` } });
  await end("tidy-1", "Succeeded", 1);
  await end("tidy-2", "Succeeded", 2);
  await end("tidy-3", "Failed", 3);
  const left = async () => {
    const found = await Promise.all(runs.map((name) => get(`${ark("arkruns")}/${name}`)));
    return runs.filter((_name, index) => found[index] !== undefined);
  };
  await expect.poll(left, POLL).toEqual(["tidy-2", "tidy-4"]);
});

test("T1: ended runs of an agent without a team are let go too, once nobody can still wait for them", async () => {
  const runs = Array.from({ length: 13 }, (_, n) => `solo-${String(n).padStart(2, "0")}`);
  for (const name of runs) {
    await make("ArkRun", name, { agent: "solo", prompt: "go" });
    const completionTime = name === "solo-12" ? new Date().toISOString() : `2026-01-01T00:00:${name.slice(5)}Z`;
    await patch(`${ark("arkruns")}/${name}/status`, { status: { phase: "Succeeded", completionTime } });
  }
  const left = async () => {
    const found = await Promise.all(runs.map((name) => get(`${ark("arkruns")}/${name}`)));
    return runs.filter((_name, index) => found[index] !== undefined);
  };
  await expect.poll(left, POLL).toEqual(runs.slice(3));
});

test("where NATS has users, an agent waits for its namespace's, and says for which Secret (D31, D49)", async () => {
  await giveKeys();
  await world.stopLeading();
  world.lead({ ARK_AGENT_NATS_SECRET: "nats-user" });
  await make("ArkAgent", "stranger", { model: "gpt-4o", systemPrompt: "You sign in." });
  await expect.poll(() => ready("arkagents", "stranger"), POLL).toBe("False MissingCredentials");
  const conditions = fieldOf(await get(`${ark("arkagents")}/stranger`), "status", "conditions");
  expect(JSON.stringify(conditions)).toContain('Secret \\"nats-user\\" has no key \\"nats.creds\\"');
  expect(await get(`${SERVICES}/stranger-agent`)).toBeUndefined();
  await post(`${CORE}/secrets`, { metadata: { name: "nats-user" }, stringData: { "nats.creds": "a user" } });
  await expect.poll(() => ready("arkagents", "stranger"), POLL).toBe("False Progressing");
  expect(JSON.stringify(await template("stranger"))).toContain('"secretName":"nats-user"');
});

async function consumers(): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { agent } of world.js.taskQueues.pools()) found.push(agent);
  return found;
}

test("P4, G3: a deleted agent's queue goes with it, whoever leads then; a task for one that never was waits (D3)", async () => {
  await giveKeys();
  const attempt = { step: "write", iteration: 0, attempt: 0, prompt: { inline: "go" }, budgets: [] };
  const task = (run: string, agent: string) => ({ namespace: "default", run, uid: `uid-${run}`, agent, ...attempt });
  const result = async (run: string) => (await world.js.factLog.finished(task(run, ""), task(run, "")))?.fact;
  const waiting = (agent: string) => world.js.tasks.pending({ namespace: "default", agent });
  for (const agent of ["leaver", "sneaker"]) {
    await make("ArkAgent", agent, { model: "gpt-4o", systemPrompt: "You write." });
    await expect.poll(() => get(`${SERVICES}/${agent}-agent`), POLL).toBeDefined();
    // As its executor does before its first task comes.
    await world.js.tasks.next({ namespace: "default", agent }, 1, AbortSignal.timeout(60_000));
    await world.js.tasks.publish(task(`${agent}-run`, agent));
  }
  await world.js.tasks.publish(task("early-run", "early"));
  await world.api.request("DELETE", `${ark("arkagents")}/leaver`);
  await expect.poll(() => result("leaver-run"), POLL).toMatchObject({ outcome: { code: "agent.deleted" } });
  await expect.poll(consumers, POLL).not.toContain("leaver");
  expect(await result("sneaker-run")).toBeUndefined();

  await world.stopLeading();
  await world.api.request("DELETE", `${ark("arkagents")}/sneaker`);
  world.lead();
  await expect.poll(() => result("sneaker-run"), POLL).toMatchObject({ outcome: { code: "agent.deleted" } });
  await expect.poll(consumers, POLL).not.toContain("sneaker");
  expect(await waiting("early")).toEqual({ waiting: 1, running: 0 });
});
