import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Kind } from "#core/api/objects.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import { installCrd } from "../../harness/crds.ts";
import { fieldOf, type OperatorWorld, POLL, readyOf, startOperatorWorld } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld();
  const secret = { metadata: { name: "ark-api-keys" }, stringData: { OPENAI_API_KEY: "sk-secret" } };
  await world.api.request("POST", `${CORE}/secrets`, secret);
});
afterAll(() => world[Symbol.asyncDispose]());

const CORE = "/api/v1/namespaces/default";
const ARK = "/apis/arkonis.dev/v1alpha1/namespaces/default";
const SERVICES = "/apis/serving.knative.dev/v1/namespaces/default/services";

const get = (path: string) => world.get(path);

const make = (kind: Kind, name: string, spec: object) => world.create(kind, name, spec);

const serviceSpec = (arkAgent: string) => ({
  selector: { arkAgent },
  routing: { strategy: "least-busy" },
  ports: [
    { protocol: "HTTP", port: 8081 },
    { protocol: "A2A", port: 8082 },
  ],
});

const status = async (name: string) => fieldOf(await get(`${ARK}/arkservices/${name}`), "status");

async function ready(name: string): Promise<string> {
  const { status, reason } = readyOf(await get(`${ARK}/arkservices/${name}`));
  return `${status} ${reason}`;
}

test("an ArkService has a router, a token, a record; its status follows agent, router and instances", async () => {
  world.lead();
  await make("ArkService", "writing", serviceSpec("writer"));
  await expect.poll(() => ready("writing"), POLL).toBe("False AgentNotFound");
  await make("ArkAgent", "writer", { model: "gpt-4o", systemPrompt: "You write.", replicas: 0 });
  await expect.poll(() => ready("writing"), POLL).toBe("False ReconcileError");
  const router = `${SERVICES}/writing-router`;
  await expect.poll(() => get(router), POLL).toBeDefined();
  expect(fieldOf(await get(router), "metadata", "ownerReferences")).toMatchObject([
    { kind: "ArkService", name: "writing" },
  ]);
  const url = "http://writing-router.default.svc.cluster.local";
  const served = { status: { conditions: [{ type: "Ready", status: "True" }], address: { url } } };
  await world.api.request("PATCH", `${router}/status`, served);
  await expect.poll(() => ready("writing"), POLL).toBe("False NoReadyReplicas");
  await world.api.request("PATCH", `${ARK}/arkagents/writer`, { spec: { replicas: 2 } });
  await expect.poll(() => ready("writing"), POLL).toBe("True Reconciled");
  expect(await status("writing")).toMatchObject({ readyReplicas: 0, address: { url } });
  const instance = { instance: "writer-1", active: 0, max: 5, ready: true };
  const readyReplicas = async () => {
    await world.js.instances.announce({ namespace: "default", agent: "writer" }, instance);
    return fieldOf(await status("writing"), "readyReplicas");
  };
  await expect.poll(readyReplicas, POLL).toBe(1);
});

test("T1, T2, P7: its token is made once, made anew when it is deleted, and stands nowhere else", async () => {
  const secret = `${CORE}/secrets/writing-service-token`;
  const token = async () => {
    const data = fieldOf(await get(secret), "data", "token");
    return Buffer.from(typeof data === "string" ? data : "", "base64").toString("utf8");
  };
  const record = () => world.js.services.get("default", "writing");
  const first = await token();
  expect(first).toMatch(/^made-/);
  expect(await record()).toMatchObject({
    agent: "writer",
    strategy: "least-busy",
    protocols: ["HTTP", "A2A"],
    tokenDigest: tokenDigest(first),
  });
  expect(JSON.stringify([await get(`${SERVICES}/writing-router`), await status("writing")])).not.toContain(first);
  await world.api.request("DELETE", secret);
  await expect.poll(token, POLL).toMatch(/^made-/);
  const second = await token();
  expect(second).not.toBe(first);
  await expect.poll(async () => (await record())?.tokenDigest, POLL).toBe(tokenDigest(second));
  await world.api.request("PATCH", secret, { data: { token: "" } });
  await expect.poll(record, POLL).toBeUndefined();
  await expect.poll(() => ready("writing"), POLL).toBe("False ReconcileError");
});

test("S3, D51: services that cannot be seen are not gone", async () => {
  const kind = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/arkservices.arkonis.dev";
  const record = () => world.js.services.get("default", "kept");
  await world.stopLeading();
  const { body: crd } = await world.api.request("GET", kind);
  await world.js.services.put({
    namespace: "default",
    name: "kept",
    uid: "u",
    generation: 1,
    agent: "writer",
    strategy: "random",
    protocols: ["HTTP"],
    tokenDigest: "sha256:0",
  });
  await world.api.request("DELETE", kind);
  await expect.poll(() => get(`${ARK}/arkservices`), POLL).toBeUndefined();
  // Its router, by whose label it is looked at.
  const labels = { "app.kubernetes.io/managed-by": "ark-operator", "arkonis.dev/service": "kept" };
  const router = { apiVersion: "serving.knative.dev/v1", kind: "Service", metadata: { name: "kept-router", labels } };
  expect((await world.api.request("POST", SERVICES, router)).status).toBe(201);
  const { leading } = world.lead();
  // Whoever has looked at this has seen the router.
  await make("ArkSettings", "seen", { temperature: "0.2" });
  const seen = async () => fieldOf(await get(`${ARK}/arksettings/seen`), "status", "conditions");
  await expect.poll(seen, POLL).toBeDefined();
  await leading.settled();
  expect(leading.faults().map((fault) => fault.split(":")[0])).toEqual(["ArkService"]);
  expect(await record()).toBeDefined();
  const { spec, metadata } = crd as { spec: object; metadata: { name: string } };
  const { apiVersion, kind: named } = crd as { apiVersion: string; kind: string };
  await installCrd(world.api, { apiVersion, kind: named, metadata: { name: metadata.name }, spec });
  // Now it is seen that there is none.
  await expect.poll(record, POLL).toBeUndefined();
  await expect.poll(() => leading.faults(), POLL).toEqual([]);
});

test("S2: a service that goes takes its record with it, also while no operator looks", async () => {
  const record = (name: string) => world.js.services.get("default", name);
  await make("ArkService", "short", serviceSpec("writer"));
  await expect.poll(() => record("short"), POLL).toBeDefined();
  await world.api.request("DELETE", `${ARK}/arkservices/short`);
  await expect.poll(() => record("short"), POLL).toBeUndefined();
  await make("ArkService", "unseen", serviceSpec("writer"));
  await expect.poll(() => record("unseen"), POLL).toBeDefined();
  await world.stopLeading();
  await world.api.request("DELETE", `${ARK}/arkservices/unseen`);
  expect(await record("unseen")).toBeDefined();
  world.lead();
  await expect.poll(() => record("unseen"), POLL).toBeUndefined();
});
