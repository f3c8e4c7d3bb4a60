/** `ark doctor` against a real API server: bare, and as Ark needs it. The test plays the controllers. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type ApiServer, startApiServer } from "../../harness/api-server.ts";
import { ark, type Ran } from "../../harness/cli.ts";
import { installCrd } from "../../harness/crds.ts";
import { installKnative } from "../../harness/knative.ts";

let api: ApiServer;
beforeAll(async () => {
  api = await startApiServer();
});
afterAll(() => api?.[Symbol.asyncDispose]());

type Report = {
  fail: number;
  warn: number;
  checks: { name: string; verdict: string; found: string; change?: string }[];
};
const doctor = (kubeconfig = api.kubeconfig, ...more: string[]) => ark(["doctor", "--kubeconfig", kubeconfig, ...more]);
const reportOf = (ran: Ran) => JSON.parse(ran.out) as Report;
const verdicts = ({ checks }: Report) => Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));

async function make(collection: string, object: Record<string, unknown>): Promise<void> {
  const made = await api.request("POST", collection, object);
  if (made.status !== 201) throw new Error(`${collection}: ${JSON.stringify(made.body)}`);
}
const namespaced = (namespace: string, plural: string, group = "api/v1") =>
  `/${group}/namespaces/${namespace}/${plural}`;
const status = (collection: string, name: string, value: unknown) =>
  api.request("PATCH", `${collection}/${name}/status`, { status: value });
const ready = { conditions: [{ type: "Ready", status: "True" }] };

const APPS = "apis/apps/v1";
async function workload(
  namespace: string,
  kind: "Deployment" | "StatefulSet",
  name: string,
  image: string,
  more: { labels?: object; seconds?: number } = {},
): Promise<void> {
  const labels = { app: name };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: "main", image }], terminationGracePeriodSeconds: more.seconds ?? 30 },
  };
  const collection = namespaced(namespace, `${kind.toLowerCase()}s`, APPS);
  await make(collection, {
    kind,
    apiVersion: "apps/v1",
    metadata: { name, labels: more.labels ?? {} },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template,
      ...(kind === "StatefulSet" && { serviceName: name }),
    },
  });
  await status(collection, name, { replicas: 1, readyReplicas: 1 });
}

test("a cluster without Knative and Ark fails: 1, each check with what to change", async () => {
  const { code, out, err } = await doctor();
  expect(code).toBe(1);
  expect(out).toMatch(
    /^fail {2}knative-serving {4,}Knative Serving is not installed: serving\.knative\.dev\/v1 is not served\n +→ Install it: https:/m,
  );
  expect(out).toMatch(/^fail {2}crds +not there: ArkEvent, .*\n +→ Install Ark: ark install --apply/m);
  expect(out).toMatch(/^ok {4}kubernetes +v1\.\d+/m);
  expect(err).toMatch(/to change\n$/);
  expect(verdicts(reportOf(await doctor(api.kubeconfig, "-o", "json")))).toMatchObject({
    kubernetes: "ok",
    "knative-eventing": "fail",
    "scale-to-zero": "fail",
    broker: "fail",
    operator: "fail",
    nats: "fail",
    "rights: cancel": "ok",
  });
});

test("a cluster that cannot be reached is 3, not a list of faults", async () => {
  const config = JSON.parse(await readFile(api.kubeconfig, "utf8")) as { clusters: { cluster: { server: string } }[] };
  config.clusters[0]!.cluster.server = "https://127.0.0.1:1";
  const { code, err } = await doctor(await written("nowhere", config));
  expect({ code, err }).toMatchObject({ code: 3, err: expect.stringMatching(/^error: server\.unreachable: https:/) });
});

async function written(name: string, config: object): Promise<string> {
  const file = path.join(path.dirname(api.kubeconfig), name);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

describe("with Knative and Ark", () => {
  beforeAll(async () => {
    await installKnative(api);
    for (const file of (await readdir("crds")).filter((name) => /^arkonis.*\.yaml$/.test(name)))
      await installCrd(api, parse(await readFile(path.join("crds", file), "utf8")));
    for (const name of ["knative-serving", "knative-eventing", "ark-system"])
      await make("/api/v1/namespaces", { metadata: { name } });
    const labels = { "app.kubernetes.io/version": "1.23.0" };
    await workload("knative-serving", "Deployment", "controller", "serving", { labels });
    await workload("knative-serving", "Deployment", "activator", "activator", { seconds: 7_200 });
    await workload("knative-eventing", "Deployment", "eventing-controller", "eventing", { labels });
    await workload("ark-system", "Deployment", "ark-operator", "ark:1");
    await workload("ark-system", "StatefulSet", "ark-nats", "nats:2.15.1-alpine");
    const config = (name: string, data: object) =>
      make(namespaced("knative-serving", "configmaps"), { metadata: { name }, data });
    await config("config-autoscaler", {});
    await config("config-defaults", { "max-revision-timeout-seconds": "600" });
    const brokers = namespaced("ark-system", "brokers", "apis/eventing.knative.dev/v1");
    const annotations = { "eventing.knative.dev/broker.class": "MTChannelBasedBroker" };
    await make(brokers, {
      apiVersion: "eventing.knative.dev/v1",
      kind: "Broker",
      metadata: { name: "default", annotations },
    });
    await status(brokers, "default", ready);
    const services = namespaced("ark-system", "services", "apis/serving.knative.dev/v1");
    for (const name of ["ark-webhook", "ark-dispatcher", "ark-collector"]) {
      await make(services, { apiVersion: "serving.knative.dev/v1", kind: "Service", metadata: { name } });
      await status(services, name, ready);
    }
  }, 60_000);

  test("settings that refuse the functions are named, with the command that changes them", async () => {
    const report = reportOf(await doctor(api.kubeconfig, "-o", "json"));
    const failed = report.checks.filter(({ verdict }) => verdict !== "ok");
    expect(failed.map(({ name }) => name)).toEqual(["scale-to-zero", "revision-timeout"]);
    expect(failed[0]?.change).toBe(
      `kubectl patch configmap config-autoscaler -n knative-serving --type merge -p '{"data":{"allow-zero-initial-scale":"true"}}'`,
    );
    expect(failed[1]?.found).toContain("max-revision-timeout-seconds is 600");
  });

  test("all is well: 0", async () => {
    const maps = namespaced("knative-serving", "configmaps");
    await api.request("PATCH", `${maps}/config-autoscaler`, { data: { "allow-zero-initial-scale": "true" } });
    await api.request("PATCH", `${maps}/config-defaults`, { data: { "max-revision-timeout-seconds": "7200" } });
    const ran = await doctor(api.kubeconfig, "-o", "json");
    expect(reportOf(ran).checks.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    expect(ran.code).toBe(0);
    expect(reportOf(ran).checks.find(({ name }) => name === "knative-serving")?.found).toBe("1.23.0");
  });

  test("a channel that keeps a subscriber whose Trigger is gone, which every post to the Broker waits for", async () => {
    const messaging = "messaging.knative.dev/v1";
    const subscriptions = namespaced("ark-system", "subscriptions", `apis/${messaging}`);
    await make(subscriptions, { apiVersion: messaging, kind: "Subscription", metadata: { name: "alive" } });
    const { body } = await api.request("GET", `${subscriptions}/alive`);
    const { uid } = (body as { metadata: { uid: string } }).metadata;
    const channels = namespaced("ark-system", "inmemorychannels", `apis/${messaging}`);
    const subscribers = [
      { uid, name: "alive" },
      { uid: "nobody's", name: "default-gone" },
    ];
    const metadata = { name: "default-kne-trigger" };
    await make(channels, { apiVersion: messaging, kind: "InMemoryChannel", metadata, spec: { subscribers } });
    const ran = await doctor(api.kubeconfig, "-o", "json");
    const broker = reportOf(ran).checks.find(({ name }) => name === "broker");
    expect(broker).toMatchObject({ verdict: "warn", change: expect.stringContaining("kubectl delete broker default") });
    expect(broker?.found).toMatch(/: default-gone$/);
    await api.request("DELETE", `${channels}/default-kne-trigger`);
  });

  test("kinds of another version, a NATS that is too old, a Broker that is not ready", async () => {
    const crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/arksettings.arkonis.dev";
    const { body } = await api.request("GET", crd);
    const { spec } = body as { spec: { versions: { schema: { openAPIV3Schema: { description?: string } } }[] } };
    spec.versions[0]!.schema.openAPIV3Schema.description = "Another one.";
    await api.request("PUT", crd, body);
    await status(namespaced("ark-system", "brokers", "apis/eventing.knative.dev/v1"), "default", {
      conditions: [{ type: "Ready", status: "False", message: "no channel" }],
    });
    const container = [{ name: "main", image: "nats:2.11.4" }];
    await api.request("PATCH", `${namespaced("ark-system", "statefulsets", APPS)}/ark-nats`, {
      spec: { template: { spec: { containers: container } } },
    });
    const ran = await doctor(api.kubeconfig, "-o", "json");
    expect(ran.code).toBe(1);
    const found = reportOf(ran).checks.filter(({ verdict }) => verdict !== "ok");
    expect(found).toEqual([
      expect.objectContaining({ name: "crds", verdict: "warn", found: expect.stringContaining("ArkSettings") }),
      expect.objectContaining({ name: "broker", verdict: "fail", found: expect.stringContaining("no channel") }),
      expect.objectContaining({ name: "nats", verdict: "fail", change: expect.stringContaining("2.12") }),
    ]);
  });

  test("a user who may nothing is told which rights are missing, and what could not be checked", async () => {
    const token = await api.serviceAccountToken("default", "nobody");
    const config = JSON.parse(await readFile(api.kubeconfig, "utf8")) as { users: { user: object }[] };
    config.users[0]!.user = { token };
    const ran = await doctor(await written("nobody", config), "-o", "json");
    const { checks } = reportOf(ran);
    expect(ran.code).toBe(1);
    expect(checks.find(({ name }) => name === "rights: get, status")).toMatchObject({
      verdict: "fail",
      found: expect.stringContaining("list arkruns.arkonis.dev in default"),
    });
    expect(checks.find(({ name }) => name === "rights: turns in logs, trace")).toMatchObject({
      verdict: "warn",
      found: "missing: get secrets ark-record-token in default",
    });
    expect(checks.find(({ name }) => name === "rights: the front door")).toMatchObject({
      verdict: "warn",
      found: expect.stringContaining("create services/proxy ark-operator:8092 in ark-system"),
      change: expect.stringContaining("--server"),
    });
    expect(checks.find(({ name }) => name === "crds")).toMatchObject({ verdict: "ok" });
    expect(checks.find(({ name }) => name === "broker")).toMatchObject({
      verdict: "warn",
      found: expect.stringContaining("not checked: brokers.eventing.knative.dev"),
    });
  });
});
