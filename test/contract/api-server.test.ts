import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { access, readFile, rm } from "node:fs/promises";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { identify } from "../../local/nats-server/process-identity.ts";
import { startApiServer } from "../harness/api-server.ts";
import { installCrd } from "../harness/crds.ts";

const START_MS = 120_000;

const NOTES = "/apis/test.example/v1/namespaces/default/notes";

function noteCrd(schema: object): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "notes.test.example" },
    spec: {
      group: "test.example",
      scope: "Namespaced",
      names: { plural: "notes", singular: "note", kind: "Note" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
}

const SCHEMA = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: { text: { type: "string", maxLength: 20 } },
      "x-kubernetes-validations": [{ rule: "self.text != 'no'", message: "text must not be no" }],
    },
  },
};

const note = (name: string, text: string) => ({
  apiVersion: "test.example/v1",
  kind: "Note",
  metadata: { name },
  spec: { text },
});

async function isAlive(pid: number): Promise<boolean> {
  return (await identify(pid)) !== undefined;
}

/** A zombie waits for the init process only: it runs no more. */
function isGroupAlive(group: number): boolean {
  const lines = execFileSync("ps", ["-eo", "pgid=,stat="], { encoding: "utf8" }).trim().split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .some(([id, state]) => id === String(group) && state?.[0] !== "Z");
}

test(
  "one line gives an API server that judges objects by a CRD and keeps them over a crash",
  { timeout: START_MS },
  async () => {
    await using api = await startApiServer();
    await installCrd(api, noteCrd(SCHEMA));
    expect(await api.request("POST", NOTES, note("kept", "hello"))).toMatchObject({ status: 201 });
    const refused = await api.request("POST", NOTES, note("refused", "no"));
    expect(refused.status).toBe(422);
    expect(refused.body["message"]).toContain("text must not be no");
    const { pids, url } = api;
    await api.restart();
    expect(api.url).toBe(url);
    for (const pid of pids) expect(api.pids).not.toContain(pid);
    expect(await api.request("GET", `${NOTES}/kept`)).toMatchObject({ status: 200, body: { spec: { text: "hello" } } });
    expect((await api.request("GET", `${NOTES}/refused`)).status).toBe(404);
  },
);

test("a service account may do what a role grants, and nothing else", { timeout: START_MS }, async () => {
  await using api = await startApiServer();
  const token = await api.serviceAccountToken("default", "reader");
  const maps = "/api/v1/namespaces/default/configmaps";
  expect((await api.request("GET", maps, undefined, { token })).status).toBe(403);
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
  const role = { metadata: { name: "read" }, rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }] };
  const binding = {
    metadata: { name: "read" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "read" },
    subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "default" }],
  };
  expect((await api.request("POST", `${rbac}/roles`, role)).status).toBe(201);
  expect((await api.request("POST", `${rbac}/rolebindings`, binding)).status).toBe(201);
  while ((await api.request("GET", maps, undefined, { token })).status !== 200) await delay(20);
  const write = await api.request("POST", maps, { metadata: { name: "x" } }, { token });
  expect(write.status).toBe(403);
  expect((await api.request("GET", maps, undefined, { token: "nobody" })).status).toBe(401);
});

test(
  "the kubeconfig names the server, its authority and the administrator's token",
  { timeout: START_MS },
  async () => {
    await using api = await startApiServer();
    const config: unknown = JSON.parse(await readFile(api.kubeconfig, "utf8"));
    expect(config).toMatchObject({
      clusters: [{ cluster: { server: api.url, "certificate-authority": api.caFile } }],
      users: [{ user: { token: api.token } }],
    });
    expect(await readFile(api.caFile, "utf8")).toContain("BEGIN CERTIFICATE");
  },
);

test("nothing is left at the end of the block", { timeout: START_MS }, async () => {
  let pids: readonly number[] = [];
  let folder = "";
  {
    await using api = await startApiServer();
    ({ pids } = api);
    folder = path.dirname(api.kubeconfig);
    for (const pid of pids) expect(await isAlive(pid)).toBe(true);
  }
  for (const pid of pids) expect(await isAlive(pid)).toBe(false);
  await expect(access(folder)).rejects.toThrow("ENOENT");
  while (pids.some(isGroupAlive)) await delay(20);
});

test("C1: both servers end when the process that started them is killed outright", { timeout: START_MS }, async () => {
  const script = `
    const { startApiServer } = await import(${JSON.stringify(path.resolve(import.meta.dirname, "../harness/api-server.ts"))});
    const api = await startApiServer();
    console.log(JSON.stringify({ pids: api.pids, kubeconfig: api.kubeconfig }));
  `;
  const owner = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: owner.stdout }), "line")) as [string];
  const { pids, kubeconfig } = JSON.parse(line) as { pids: number[]; kubeconfig: string };
  expect(pids).toHaveLength(2);
  owner.kill("SIGKILL");
  while ((await Promise.all(pids.map(isAlive))).includes(true)) await delay(20);
  await rm(path.dirname(kubeconfig), { recursive: true, force: true });
});
