/** The front door by a port-forward: by the rights that docs/cli.md names, through a real API server. */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { type ApiServer, startApiServer } from "../../harness/api-server.ts";
import { ark } from "../../harness/cli.ts";
import { installCrd } from "../../harness/crds.ts";
import { type Door, openDoor, TOKEN } from "../../harness/door.ts";
import { type Kubelet, startKubelet } from "../../harness/kubelet.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
let api: ApiServer;
let door: Door;
let kubelet: Kubelet;

async function make(collection: string, object: Record<string, unknown>): Promise<void> {
  const made = await api.request("POST", collection, object);
  if (made.status !== 201) throw new Error(`${collection}: ${JSON.stringify(made.body)}`);
}

async function pod(name: string, ready: boolean): Promise<void> {
  const ports = [
    { name: "health", containerPort: 8080 },
    { name: "front", containerPort: 9092 },
  ];
  const spec = { nodeName: kubelet.node, containers: [{ name: "operator", image: "ark", ports }] };
  await make("/api/v1/namespaces/ark-system/pods", { metadata: { name, labels: { app: "op" } }, spec });
  await api.request("PATCH", `/api/v1/namespaces/ark-system/pods/${name}/status`, {
    status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  });
}

/** A kubeconfig of a service account that has these rules in both namespaces. */
async function user(name: string, rules: readonly object[]): Promise<string> {
  const token = await api.serviceAccountToken("default", name);
  await make(`${RBAC}/clusterroles`, { metadata: { name }, rules });
  await make(`${RBAC}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", name, namespace: "default" }],
  });
  const config = JSON.parse(await readFile(api.kubeconfig, "utf8")) as { users: { user: object }[] };
  config.users[0]!.user = { token };
  const file = path.join(path.dirname(api.kubeconfig), name);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

const READ = [
  { apiGroups: ["arkonis.dev"], resources: ["*"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["secrets"], verbs: ["get"] },
];
const FORWARD = [
  { apiGroups: [""], resources: ["services"], verbs: ["get"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
  { apiGroups: [""], resources: ["pods/portforward"], verbs: ["get", "create"] },
];

beforeAll(async () => {
  [api, door] = await Promise.all([startApiServer(), openDoor()]);
  kubelet = await startKubelet(api, Number(new URL(door.webhook.url).port));
  for (const kind of ["arkevents", "arkteams", "arkagents"])
    await installCrd(api, parse(await readFile(`crds/arkonis.dev_${kind}.yaml`, "utf8")));
  await make("/api/v1/namespaces", { metadata: { name: "ark-system" } });
  const ports = [{ name: "http", port: 8092, targetPort: "front" }];
  await make("/api/v1/namespaces/ark-system/services", {
    metadata: { name: "ark-operator" },
    spec: { selector: { app: "op" }, ports },
  });
  await door.team();
  const { spec } = await door.event();
  const event = { apiVersion: "arkonis.dev/v1alpha1", kind: "ArkEvent", metadata: { name: "greet" }, spec };
  await make("/apis/arkonis.dev/v1alpha1/namespaces/default/arkevents", event);
  await make("/api/v1/namespaces/default/secrets", {
    metadata: { name: "greet-webhook-token" },
    stringData: { token: TOKEN },
  });
});
afterAll(async () => {
  await kubelet?.[Symbol.asyncDispose]();
  await api?.[Symbol.asyncDispose]();
  await door?.[Symbol.asyncDispose]();
});

test("while no pod is ready it says so: 3", async () => {
  const kubeconfig = await user("early", [...READ, ...FORWARD]);
  await pod("ark-operator-a", false);
  const { code, err } = await ark(["trigger", "event/greet", "--kubeconfig", kubeconfig]);
  expect(code).toBe(3);
  expect(err).toContain("no pod of Service ark-system/ark-operator is ready");
});

test("fires by a ready pod's named port, with no more rights than it takes", async () => {
  const kubeconfig = await user("fires", [...READ, ...FORWARD]);
  await pod("ark-operator-b", true);
  const data = JSON.stringify({ text: "x".repeat(300_000) });
  const { code, out, err } = await ark(["trigger", "event/greet", "--data", data, "--kubeconfig", kubeconfig]);
  expect({ code, err: err.slice(0, 400) }).toMatchObject({ code: 0, err: expect.stringContaining("Follow it") });
  expect(out).toMatch(/^blog-run-[0-9a-z]{10}\n$/);
  expect(kubelet.asked).toEqual([expect.stringMatching(/^\/portForward\/ark-system\/ark-operator-b.*port=9092/)]);
});

test("F2: the command ends with its answer; nothing of the connection holds it", async () => {
  const kubeconfig = await user("ends", [...READ, ...FORWARD]);
  const argv = ["cli/main.ts", "trigger", "event/greet", "--kubeconfig", kubeconfig];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 25_000 });
  expect(stdout).toMatch(/^blog-run-[0-9a-z]{10}\n$/);
});

test("without the right to forward it names the right: 3", async () => {
  const kubeconfig = await user("watches", [...READ, ...FORWARD.slice(0, 2)]);
  const { code, err } = await ark(["trigger", "event/greet", "--kubeconfig", kubeconfig]);
  expect(code).toBe(3);
  expect(err).toContain("pods/portforward");
});
