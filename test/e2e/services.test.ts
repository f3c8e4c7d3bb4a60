/** Feature: an ArkService gives tasks to an agent that sleeps, over HTTP and A2A. */
import { TaskState } from "@a2a-js/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { a2aClient, a2aMessage } from "../harness/a2a.ts";
import { apply, ARK, asleep, isReady, kubectl, until, type Watched } from "./harness/cluster.ts";
import { openFeature, type Feature } from "./harness/feature.ts";
import { askedFor } from "./harness/model.ts";

type Served = Watched & { readonly status?: { readonly address?: { readonly url: string } } };

/** Of the whole installation: other tests declare others. */
const HTTP = 18_081;
const A2A = 18_082;

let feature: Feature;
let authorization: string;
let url: string;

beforeAll(async () => {
  feature = await openFeature("services");
  const { namespace } = feature;
  await feature.agent("writer", { replicas: 2 });
  await apply({
    apiVersion: API_VERSION,
    kind: "ArkService",
    metadata: { name: "writing", namespace },
    spec: {
      selector: { arkAgent: "writer" },
      routing: { strategy: "least-busy" },
      ports: [
        { protocol: "HTTP", port: HTTP },
        { protocol: "A2A", port: A2A },
      ],
    },
  });
  const services = `${ARK}/namespaces/${namespace}/arkservices`;
  const service = await until<Served>(services, "writing", isReady);
  url = service.status?.address?.url ?? "";
  const words = ["get", "secret", "writing-service-token", "-n", namespace, "-o", "jsonpath={.data.token}"];
  authorization = `Bearer ${Buffer.from(await kubectl(...words), "base64").toString()}`;
  await asleep(namespace);
});
afterAll(() => feature?.[Symbol.asyncDispose]());

/** The front door's Service, as a client inside the cluster names it. */
const FRONT = "http://ark-operator.ark-system.svc.cluster.local";
const PATIENCE_MS = 180_000;

test("HTTP, from zero instances: the answer has output, usage and the name of the run that holds them", async () => {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "say:served" }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const body = (await response.json()) as { taskID: string };
  expect([response.status, body]).toMatchObject([200, { status: "succeeded", output: "served" }]);
  expect((await feature.run(body.taskID)).status).toMatchObject({ phase: "Succeeded", output: "served" });
  expect(await askedFor("say:served")).toHaveLength(1);
});

test("without its token: 401, and nothing starts", async () => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "say:stolen" }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  expect(response.status).toBe(401);
  expect(await askedFor("say:stolen")).toHaveLength(0);
});

test("A2A: a client finds the agent's card and sends it a message", async () => {
  const client = await a2aClient(url, authorization, PATIENCE_MS);
  const answer = await client.sendMessage(a2aMessage("say:over a2a"));
  if (!("id" in answer)) throw new Error("a message, not a task");
  expect(answer.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
  expect(JSON.stringify(answer.artifacts)).toContain("over a2a");
  expect(await askedFor("say:over a2a")).toHaveLength(1);
});

test("D42: the documented POST works on the declared port of the front door, from zero instances", async () => {
  await asleep(feature.namespace);
  const response = await fetch(`${FRONT}:${HTTP}/task`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "say:by its port" }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  expect([response.status, await response.json()]).toMatchObject([200, { status: "succeeded", output: "by its port" }]);
});

test("D42: the declared port of A2A has the card, which names it, and takes messages", async () => {
  const at = `${FRONT}:${A2A}/`;
  const card = await fetch(`${at}.well-known/agent-card.json`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  expect(await card.json()).toMatchObject({ url: at });
  const client = await a2aClient(at, authorization, PATIENCE_MS);
  const answer = await client.sendMessage(a2aMessage("say:by the port of a2a"));
  expect("id" in answer && answer.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
  const plain = { method: "POST", headers: { authorization, "content-type": "application/json" } };
  const refused = await fetch(`${at}task`, { ...plain, body: JSON.stringify({ prompt: "say:not here" }) });
  expect(refused.status).toBe(404);
});

test("D42: a port that another service has is a conflict; a service that goes takes its ports along", async () => {
  const { namespace } = feature;
  const metadata = { name: "writing-too", namespace };
  const spec = { selector: { arkAgent: "writer" }, ports: [{ protocol: "HTTP", port: HTTP }] };
  await apply({ apiVersion: API_VERSION, kind: "ArkService", metadata, spec });
  const services = `${ARK}/namespaces/${namespace}/arkservices`;
  await until<Watched>(services, "writing-too", ({ status }) =>
    JSON.stringify(status ?? {}).includes('"PortConflict"'),
  );
  await kubectl("delete", "arkservice", "writing", "-n", namespace);
  await until<Watched>(services, "writing-too", isReady);
  const names = await kubectl(
    "get",
    "service",
    "ark-operator",
    "-n",
    "ark-system",
    "-o",
    "jsonpath={.spec.ports[*].name}",
  );
  expect(names.split(" ")).toContain(`svc-${HTTP}`);
  expect(names.split(" ")).not.toContain(`svc-${A2A}`);
});
