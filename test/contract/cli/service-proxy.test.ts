/** The front door by the API server's proxy: by a right on that one Service, through a real API server. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import type { RunName } from "#core/ports/record.ts";
import { RECORD_SECRET } from "#core/runs/record-secret.ts";
import { createRateLimit } from "#platform/http/rate-limit.ts";
import { serve, type Serving } from "#platform/http/server.ts";
import { kubeChildren } from "#platform/kube/children.ts";
import { openKube } from "#platform/kube/client.ts";
import { createFront } from "../../../operator/front/front.ts";
import { createRecord } from "../../../operator/front/record.ts";
import { recordDigests } from "../../../operator/record-tokens.ts";
import { type ApiServer, startApiServer } from "../../harness/api-server.ts";
import { ark } from "../../harness/cli.ts";
import { installCrd } from "../../harness/crds.ts";
import { type Door, openDoor, quiet, TOKEN } from "../../harness/door.ts";
import { create, manifests } from "../../harness/manifests.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const SYSTEM = "/api/v1/namespaces/ark-system";
let api: ApiServer;
let door: Door;
let front: Serving;
let way: Server;
let folder: string;
/** Addresses of pods that the API server went to, in order. */
const asked: string[] = [];
/** Of a replica that is told to end after the first fact that it reads out; the next one takes its place. */
let ending: AbortController | undefined;

async function make(collection: string, object: Record<string, unknown>): Promise<void> {
  const made = await api.request("POST", collection, object);
  if (made.status !== 201) throw new Error(`${collection}: ${JSON.stringify(made.body)}`);
}

/** The API server goes to the addresses of pods alone. */
async function makePod(name: string, podIP: string): Promise<void> {
  const spec = { containers: [{ name: "operator", image: "ark" }] };
  await make(`${SYSTEM}/pods`, { metadata: { name }, spec });
  const status = { phase: "Running", podIP, podIPs: [{ ip: podIP }] };
  await api.request("PATCH", `${SYSTEM}/pods/${name}/status`, { status });
}

/** Whatever address is asked for, it leads to the front door. */
async function openWay(): Promise<Server> {
  const server = createServer().on("connect", (request, socket, head) => {
    asked.push(request.url ?? "");
    const there = connect(front.port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      there.write(head);
      there.pipe(socket).pipe(there);
    });
    there.on("error", () => socket.destroy());
    socket.on("error", () => there.destroy()).on("close", () => there.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path.join(folder, "way"), resolve));
  return server;
}

function createReplica(end = new AbortController()) {
  const clock = () => performance.now();
  const { factLog: facts, outputs, runStates: states } = door.js;
  async function* history(run: RunName) {
    for await (const fact of facts.history(run)) {
      yield fact;
      ending?.abort();
      ending = undefined;
    }
  }
  return createRecord({
    facts: { ...facts, history },
    outputs,
    states,
    digestOf: (namespace) =>
      recordDigests(kubeChildren(openKube(api), "test"), { now: clock, looks: wide(clock) })(namespace),
    rate: { total: wide(clock), perNamespace: wide(clock), wrong: wide(clock) },
    log: quiet,
    signal: end.signal,
  });
}

async function openFrontDoor(): Promise<Serving> {
  const passing = createFront({
    upstream: door.webhook.url,
    services: { get: () => Promise.resolve(undefined) },
    routerUrl: () => "",
    record: (request, response) => createReplica(ending)(request, response),
    ready: () => true,
    log: quiet,
  });
  return serve(passing.listener, { port: 0, host: "127.0.0.1" });
}

/** A member of the team in namespace default, with the roles that come with Ark. */
async function member(name: string, isCaller: boolean): Promise<string> {
  const token = await api.serviceAccountToken("default", name);
  const subjects = [{ kind: "ServiceAccount", name, namespace: "default" }];
  const bind = (namespace: string, kind: string, role: string) =>
    make(`${RBAC}/namespaces/${namespace}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: role },
      subjects,
    });
  await bind("default", "ClusterRole", "ark-member");
  if (isCaller) await bind("ark-system", "Role", "ark-caller");
  const config = JSON.parse(await readFile(api.kubeconfig, "utf8")) as { users: { user: object }[] };
  config.users[0]!.user = { token };
  const file = path.join(path.dirname(api.kubeconfig), name);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ark-way-"));
  door = await openDoor();
  front = await openFrontDoor();
  way = await openWay();
  api = await startApiServer({ podsVia: path.join(folder, "way") });
  for (const kind of ["arkevents", "arkteams", "arkagents", "arkruns"])
    await installCrd(api, parse(await readFile(`crds/arkonis.dev_${kind}.yaml`, "utf8")));
  await make("/api/v1/namespaces", { metadata: { name: "ark-system" } });
  await create(api.request, await manifests("knative/base/user-rbac.yaml"), "ark-system");
  const ports = [{ name: "http", port: 8092, targetPort: "front" }];
  await make(`${SYSTEM}/services`, { metadata: { name: "ark-operator" }, spec: { ports } });
  await makePod("ark-operator-a", "10.1.2.3");
  await make(`${SYSTEM}/endpoints`, {
    metadata: { name: "ark-operator" },
    subsets: [
      {
        addresses: [{ ip: "10.1.2.3", targetRef: { kind: "Pod", namespace: "ark-system", name: "ark-operator-a" } }],
        ports: [{ name: "http", port: 9092 }],
      },
    ],
  });
  await door.team();
  const { spec } = await door.event();
  const ark = "/apis/arkonis.dev/v1alpha1/namespaces/default";
  const object = (kind: string, name: string, of: object) => ({
    apiVersion: "arkonis.dev/v1alpha1",
    kind,
    metadata: { name },
    spec: of,
  });
  await make(`${ark}/arkevents`, object("ArkEvent", "greet", spec));
  await make(`${ark}/arkruns`, object("ArkRun", "by-hand", { teamRef: "blog" }));
  const secret = (name: string, token: string) =>
    make("/api/v1/namespaces/default/secrets", { metadata: { name }, stringData: { token } });
  await secret("greet-webhook-token", TOKEN);
  await secret(RECORD_SECRET, "of-the-record");
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  way?.close();
  way?.closeAllConnections();
  await front?.stop(0);
  await door?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("fires an event and reads a record, with the roles that come with Ark; F5: the tokens arrive", async () => {
  const kubeconfig = await member("alice", true);
  const data = JSON.stringify({ text: "x".repeat(300_000) });
  const fired = await ark(["trigger", "event/greet", "--data", data, "--kubeconfig", kubeconfig]);
  expect({ code: fired.code, err: fired.err.slice(0, 400) }).toMatchObject({
    code: 0,
    err: expect.stringContaining("Follow it"),
  });
  expect(fired.out).toMatch(/^blog-run-[0-9a-z]{10}\n$/);
  expect(new Set(asked)).toEqual(new Set(["10.1.2.3:9092"]));
  const { body } = await api.request("GET", "/apis/arkonis.dev/v1alpha1/namespaces/default/arkruns/by-hand");
  const { uid } = body["metadata"] as { uid: string };
  const ref = { namespace: "default", run: "by-hand", uid };
  const requested = { kind: "run.requested", at: 0, ...ref, spec: { teamRef: "blog" }, depth: 0, hop: 0 } as const;
  await door.js.factLog.publish(ref, requested);
  const logs = await ark(["logs", "by-hand", "--kubeconfig", kubeconfig]);
  expect(logs).toMatchObject({ code: 0, out: expect.stringMatching(/run {2}requested\n$/), err: "" });
});

test("R1: what a replica that ends cuts short is read on from the next, through the API server too", async () => {
  const kubeconfig = await member("carol", true);
  const whole = await ark(["logs", "by-hand", "--kubeconfig", kubeconfig]);
  const ref = { namespace: "default", run: "by-hand", uid: "any" };
  for (const attempt of [0, 1])
    await door.js.factLog.publish(ref, {
      kind: "step.started",
      at: 1,
      instance: "i",
      step: "s",
      iteration: 0,
      attempt,
    });
  const end = (ending = new AbortController());
  const logs = await ark(["logs", "by-hand", "--kubeconfig", kubeconfig]);
  expect(end.signal.aborted).toBe(true);
  expect(logs).toMatchObject({ code: 0, err: "" });
  expect(logs.out.split("\n")).toEqual([
    ...whole.out.trimEnd().split("\n"),
    expect.stringContaining("s  started"),
    expect.stringContaining("s (attempt 2)  started"),
    "",
  ]);
});

test("a wrong token is refused there as it is anywhere", async () => {
  const { status } = await fetch(`${front.url}/record/default/by-hand/facts`, { headers: { "x-ark-token": "wrong" } });
  expect(status).toBe(401);
  const right = await fetch(`${front.url}/record/default/by-hand/facts`, {
    headers: { "x-ark-token": "of-the-record" },
  });
  expect(right.status).toBe(200);
  await right.body?.cancel();
});

test("the role opens nothing else of ark-system; without it an event cannot be fired: 3", async () => {
  const kubeconfig = await member("bob", false);
  const refused = await ark(["trigger", "event/greet", "--kubeconfig", kubeconfig]);
  expect(refused).toMatchObject({ code: 3, err: expect.stringMatching(/server\.unreachable: [\s\S]*ark doctor/) });
  const token = await api.serviceAccountToken("default", "alice");
  const answers = await Promise.all(
    ["services/ark-nats:4222/proxy/", "services/ark-operator:8080/proxy/", "pods", "secrets", "services"].map((what) =>
      api.request("GET", `${SYSTEM}/${what}`, undefined, { token }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
});

function wide(now: () => number) {
  return createRateLimit({ perSecond: 1_000, burst: 1_000, maxKeys: 8, now });
}
