/** The operator does its work with its own rights, and has no more (D41, D43). */
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Kind } from "#core/api/objects.ts";
import { CLUSTER_RULES, NAMESPACE_RULES } from "../../../operator/permissions.ts";
import { freePort } from "../../harness/free-ports.ts";
import { manifests } from "../../harness/manifests.ts";
import { startProcess, type TestProcess } from "../../harness/process.ts";
import { fieldOf, type OperatorWorld, POLL, readyOf, startOperatorWorld, SYSTEM } from "./world.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ARK = "/apis/arkonis.dev/v1alpha1/namespaces/default";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

const FRONT = `/api/v1/namespaces/${SYSTEM}/services/ark-operator`;

let world: OperatorWorld;
let operator: TestProcess;
let token: string;
let declared: number;
const kubeconfig = path.join(tmpdir(), `ark-operator-${process.pid}.json`);

beforeAll(async () => {
  world = await startOperatorWorld();
  const { api } = world;
  token = await api.serviceAccountToken(SYSTEM, "ark-operator");
  const subjects = [{ kind: "ServiceAccount", name: "ark-operator", namespace: SYSTEM }];
  const ref = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: "ark-operator" });
  const metadata = { name: "ark-operator" };
  await api.request("POST", `${RBAC}/clusterroles`, { metadata, rules: CLUSTER_RULES });
  await api.request("POST", `${RBAC}/clusterrolebindings`, { metadata, subjects, roleRef: ref("ClusterRole") });
  await api.request("POST", `${RBAC}/namespaces/${SYSTEM}/roles`, { metadata, rules: NAMESPACE_RULES });
  const binding = { metadata, subjects, roleRef: ref("Role") };
  await api.request("POST", `${RBAC}/namespaces/${SYSTEM}/rolebindings`, binding);
  const own = (await manifests("knative/base/operator.yaml")).find(({ kind }) => kind === "Service");
  expect((await api.request("POST", `/api/v1/namespaces/${SYSTEM}/services`, own)).status).toBe(201);
  declared = await freePort();
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(api.url, api.caFile, token)), { mode: 0o600 });
  operator = await startProcess({
    entry: "operator/main.ts",
    env: {
      KUBECONFIG: kubeconfig,
      ARK_NATS_URL: world.nats.url,
      ARK_EXECUTOR_IMAGE: "example.org/executor:1",
      ARK_RESYNC_SECONDS: "1",
      ARK_FRONT_PORT: "0",
      HOST: "127.0.0.1",
    },
  });
});
afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
  await rm(kubeconfig, { force: true });
});

function kubeconfigOf(server: string, ca: string, bearer: string): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server, "certificate-authority": ca } }],
    users: [{ name: "operator", user: { token: bearer } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "operator" } }],
  };
}

const reason = async (plural: string, name: string) => readyOf(await world.get(`${ARK}/${plural}/${name}`)).reason;
const make = (kind: Kind, name: string, spec: object) => world.create(kind, name, spec);

test("the process does all of its work with these rights", async () => {
  await world.api.request("POST", "/api/v1/namespaces/default/secrets", {
    metadata: { name: "ark-api-keys" },
    stringData: { OPENAI_API_KEY: "sk" },
  });
  const role = { name: "writer", model: "gpt-4o", systemPrompt: "You write." };
  await make("ArkSettings", "style", { temperature: "0.5" });
  await make("ArkTeam", "blog", { roles: [role], pipeline: [{ role: "writer" }] });
  await make("ArkEvent", "hook", { source: { type: "webhook" }, targets: [{ team: "blog" }] });
  await make("ArkEvent", "tick", {
    source: { type: "cron", cron: "@daily" },
    targets: [{ team: "blog" }],
  });
  await make("ArkService", "writing", {
    selector: { arkAgent: "blog-writer" },
    ports: [{ protocol: "HTTP", port: declared }],
  });
  await make("ArkRun", "by-hand", { teamRef: "blog" });
  await expect.poll(() => reason("arksettings", "style"), POLL).toBe("Accepted");
  await expect.poll(() => reason("arkteams", "blog"), POLL).toBe("Validated");
  await expect.poll(() => reason("arkevents", "hook"), POLL).toBe("TriggerNotReady");
  await expect.poll(() => reason("arkagents", "blog-writer"), POLL).toBe("Progressing");
  await expect.poll(() => reason("arkservices", "writing"), POLL).toBe("ReconcileError");
  const router = "/apis/serving.knative.dev/v1/namespaces/default/services/writing-router";
  await expect.poll(async () => (await world.api.request("GET", router)).status, POLL).toBe(200);
  // D42: it listens at the port of a service, and its own Service leads there.
  const front = async () => fieldOf((await world.api.request("GET", FRONT)).body, "spec", "ports");
  await expect.poll(front, POLL).toContainEqual(expect.objectContaining({ name: `svc-${declared}`, port: declared }));
  await expect.poll(() => fetch(`http://127.0.0.1:${declared}/readyz`).then(({ status }) => status), POLL).toBe(200);
  const pings = "/apis/sources.knative.dev/v1/namespaces/default/pingsources/tick-cron";
  await expect.poll(async () => (await world.api.request("GET", pings)).status, POLL).toBe(200);
  const run = async () => (await world.api.request("GET", `${ARK}/arkruns/by-hand`)).body;
  await expect.poll(async () => fieldOf(await run(), "spec", "teamGeneration"), POLL).toBe(1);
  await world.api.request("PATCH", `${ARK}/arkevents/tick`, { spec: { suspended: true } });
  await expect.poll(async () => (await world.api.request("GET", pings)).status, POLL).toBe(404);
  await world.api.request("DELETE", `${ARK}/arkruns/by-hand`);
  await expect.poll(async () => (await world.api.request("GET", `${ARK}/arkruns/by-hand`)).status, POLL).toBe(404);
  const events = "/apis/events.k8s.io/v1/namespaces/default/events";
  const told = async () => fieldOf((await world.api.request("GET", events)).body, "items") as { reason: string }[];
  await expect.poll(async () => (await told()).map((one) => one.reason), POLL).toContain("TeamReconciled");
  expect(operator.output()).not.toMatch(/forbidden/i);
});

test.each([
  ["list", "", "secrets"],
  ["watch", "", "secrets"],
  ["delete", "", "secrets"],
  ["patch", "", "secrets"],
  ["create", "", "pods"],
  ["create", "", "pods/exec"],
  ["patch", "", "namespaces"],
  ["patch", "", "services"],
  ["create", "", "services"],
  ["create", "arkonis.dev", "arkruns"],
  ["patch", "arkonis.dev", "arkruns/status"],
  ["patch", "arkonis.dev", "arkevents"],
  ["create", "rbac.authorization.k8s.io", "clusterroles"],
  ["update", "coordination.k8s.io", "leases"],
])("D41, D43, E25: it may not %s %s/%s", async (verb, group, resource) => {
  const { body } = await world.api.request(
    "POST",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    { spec: { resourceAttributes: { verb, group, resource, namespace: "default" } } },
    { token },
  );
  expect(fieldOf(body, "status", "allowed")).toBe(false);
});
