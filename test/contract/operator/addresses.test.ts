/** Addressable: what the operator writes, the dispatcher answers, each with its own rights on a real API server. */
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { create, manifests } from "../../harness/manifests.ts";
import { startProcess, type TestProcess } from "../../harness/process.ts";
import { type Body, fieldOf, type OperatorWorld, POLL, startOperatorWorld, SYSTEM } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

const ARK = "/apis/arkonis.dev/v1alpha1/namespaces/default";
const kubeconfig = path.join(tmpdir(), `ark-dispatcher-${process.pid}.json`);

let world: OperatorWorld;
let dispatcher: TestProcess;
beforeAll(async () => {
  world = await startOperatorWorld();
  const { api } = world;
  await create(api.request, await manifests("knative/base/rbac.yaml"), SYSTEM);
  const token = await api.serviceAccountToken(SYSTEM, "ark-dispatcher");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server: api.url, "certificate-authority": api.caFile } }],
    users: [{ name: "dispatcher", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "dispatcher" } }],
  };
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  dispatcher = await startProcess({
    entry: "functions/dispatcher/main.ts",
    env: { KUBECONFIG: kubeconfig, ARK_NATS_URL: world.nats.url, HOST: "127.0.0.1" },
  });
  world.lead();
});
afterAll(async () => {
  await dispatcher?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
  await rm(kubeconfig, { force: true });
});

const list = async (at: string) => (fieldOf((await world.api.request("GET", at)).body, "items") ?? []) as Body[];

async function address(plural: string, name: string): Promise<string> {
  const read = async () =>
    fieldOf((await world.api.request("GET", `${ARK}/${plural}/${name}`)).body, "status", "address", "url");
  await expect.poll(read, POLL).toBeDefined();
  return String(await read());
}

/** As a PingSource of Knative does. */
async function send(url: string, id: string, data: object): Promise<number> {
  const { pathname } = new URL(url);
  const answer = await fetch(`${dispatcher.url}${pathname}`, {
    method: "POST",
    headers: {
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-source": "/apis/v1/namespaces/default/pingsources/hourly",
      "ce-type": "dev.knative.sources.ping",
      "content-type": "application/json",
    },
    body: JSON.stringify(data),
  });
  return answer.status;
}

test("P1: an event that is sent to a team's or an agent's address starts one run of it", async () => {
  await world.create("ArkTeam", "blog", {
    roles: [{ name: "writer", model: "gpt-4o", systemPrompt: "You write." }],
    pipeline: [{ role: "writer" }],
    input: { topic: "sun" },
  });
  const team = await address("arkteams", "blog");
  expect(team).toBe("http://ark-dispatcher.ark-system.svc.cluster.local/addresses/default/arkteam/blog");
  expect(await Promise.all(["1", "1", "1"].map((id) => send(team, id, { topic: "rain" })))).toEqual([204, 204, 204]);
  const agent = await address("arkagents", "blog-writer");
  expect(await send(agent, "1", { prompt: "Write." })).toBe(204);
  const runs = await list(`${ARK}/arkruns`);
  const ofTeam = runs.filter((run) => fieldOf(run, "spec", "teamRef") === "blog");
  expect(ofTeam).toMatchObject([
    { spec: { input: { topic: "rain" } }, metadata: { ownerReferences: [{ kind: "ArkTeam", name: "blog" }] } },
  ]);
  const ofAgent = runs.filter((run) => fieldOf(run, "spec", "agent") === "blog-writer");
  expect(ofAgent).toMatchObject([
    { spec: { prompt: "Write." }, metadata: { ownerReferences: [{ kind: "ArkAgent", name: "blog-writer" }] } },
  ]);
});

test("D33: a fire that a gate stops is told on its ArkEvent", async () => {
  await world.create("ArkEvent", "asleep", {
    source: { type: "cron", cron: "@daily" },
    suspended: true,
    targets: [{ team: "blog" }],
  });
  expect(await send("http://ark-dispatcher/events/default/asleep", "2", {})).toBe(204);
  const told = async () => {
    const events = await list("/apis/events.k8s.io/v1/namespaces/default/events");
    const own = events.filter((one) => fieldOf(one, "regarding", "name") === "asleep");
    return own.map((one) => [fieldOf(one, "type"), fieldOf(one, "reason"), fieldOf(one, "note")]);
  };
  await expect.poll(told, POLL).toContainEqual(["Normal", "Skipped", "Suspended: the event is suspended"]);
  expect(dispatcher.output()).not.toMatch(/forbidden/i);
});
