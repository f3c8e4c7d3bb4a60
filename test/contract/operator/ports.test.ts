/** D42: the front door's Service, its policy and both replicas lead to the ports that ArkServices have. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createPorts } from "#platform/http/ports.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import { kubeChildren } from "#platform/kube/children.ts";
import { openKube } from "#platform/kube/client.ts";
import { type DeclaredPort, createFront } from "../../../operator/front/front.ts";
import { followPorts, openPorts } from "../../../operator/front/follow-ports.ts";
import { freePort, freePorts } from "../../harness/free-ports.ts";
import { startHttp } from "../../harness/http.ts";
import { manifests } from "../../harness/manifests.ts";
import { QUIET } from "./quiet.ts";
import { fieldOf, type OperatorWorld, POLL, readyOf, startOperatorWorld, SYSTEM } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

const ARK = "/apis/arkonis.dev/v1alpha1/namespaces";
const SERVICE = `/api/v1/namespaces/${SYSTEM}/services/ark-operator`;
const POLICY = `/apis/networking.k8s.io/v1/namespaces/${SYSTEM}/networkpolicies/front-door-services`;

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld();
  await install();
});
afterAll(() => world[Symbol.asyncDispose]());

/** As `kubectl apply --server-side` does it, the first time and again. */
async function install(): Promise<void> {
  const kubectl = kubeChildren(openKube({ kubeconfig: world.api.kubeconfig }), "kubectl");
  const operator = await manifests("knative/base/operator.yaml");
  const policies = await manifests("knative/base/network-policies.yaml");
  for (const [kind, name, found] of [
    ["CoreService", "ark-operator", operator.find(({ kind }) => kind === "Service")],
    ["NetworkPolicy", "front-door-services", policies.find(({ metadata }) => metadata.name === "front-door-services")],
  ] as const) {
    const whole = { ...found, metadata: { namespace: SYSTEM, name } };
    const applied = await kubectl.apply(kind, whole);
    expect(applied).toMatchObject({ kind: "applied" });
  }
}

/** To the operator's Service. */
function applyAs(manager: string, of: object) {
  const children = kubeChildren(openKube({ kubeconfig: world.api.kubeconfig }), manager);
  return children.apply("CoreService", { ...of, metadata: { namespace: SYSTEM, name: "ark-operator" } });
}

const get = (path: string) => world.get(path);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

async function servicePorts(): Promise<readonly string[]> {
  const ports = listOf(fieldOf(await get(SERVICE), "spec", "ports"));
  return ports.map((one) => `${String(fieldOf(one, "name"))} ${String(fieldOf(one, "port"))}`).toSorted();
}

async function policyPorts(): Promise<readonly unknown[]> {
  const rules = listOf(fieldOf(await get(POLICY), "spec", "ingress"));
  return rules.flatMap((rule) => listOf(fieldOf(rule, "ports")).map((one) => fieldOf(one, "port")));
}

type Ports = { readonly http: number; readonly a2a?: number };

async function serve(name: string, { http, a2a }: Ports, namespace = "default"): Promise<void> {
  const spec = {
    selector: { arkAgent: "writer" },
    ports: [{ protocol: "HTTP", port: http }, ...(a2a === undefined ? [] : [{ protocol: "A2A", port: a2a }])],
  };
  await world.create("ArkService", name, spec, namespace);
  // Its router is there: what is left to say is about ports.
  const router = `/apis/serving.knative.dev/v1/namespaces/${namespace}/services/${name}-router`;
  await expect.poll(() => get(router), POLL).toBeDefined();
  const served = { conditions: [{ type: "Ready", status: "True" }], address: { url: `http://${name}` } };
  await world.api.request("PATCH", `${router}/status`, { status: served });
}

const remove = (name: string, namespace = "default") =>
  world.api.request("DELETE", `${ARK}/${namespace}/arkservices/${name}`);

async function ready(name: string, namespace = "default"): Promise<string> {
  const { reason, message } = readyOf(await get(`${ARK}/${namespace}/arkservices/${name}`));
  return `${reason}: ${message}`;
}

const portsOf = async (name: string, namespace = "default") =>
  (await world.js.services.get(namespace, name))?.ports?.map(({ port }) => port);

describe("the leader", () => {
  beforeAll(async () => {
    const spec = { model: "gpt-4o", systemPrompt: "You write." };
    const secret = { metadata: { name: "ark-api-keys" }, stringData: { OPENAI_API_KEY: "sk-secret" } };
    await world.api.request("POST", "/api/v1/namespaces", { metadata: { name: "zone" } });
    for (const namespace of ["default", "zone"]) {
      await world.api.request("POST", `/api/v1/namespaces/${namespace}/secrets`, secret);
      const agent = { apiVersion: "arkonis.dev/v1alpha1", kind: "ArkAgent", metadata: { name: "writer" }, spec };
      expect((await world.api.request("POST", `${ARK}/${namespace}/arkagents`, agent)).status).toBe(201);
    }
    world.lead();
  });

  test("Service and policy get the ports of a service, and its record says them", async () => {
    await serve("first", { http: 8081, a2a: 8082 });
    await expect.poll(() => ready("first"), POLL).toBe("Reconciled: tasks are taken");
    expect(await servicePorts()).toEqual(["http 8092", "svc-8081 8081", "svc-8082 8082"]);
    expect(await policyPorts()).toEqual([8081, 8082]);
    expect(await portsOf("first")).toEqual([8081, 8082]);
  });

  test("K1: an installation that is applied again takes none of them away", async () => {
    await install();
    expect(await servicePorts()).toEqual(["http 8092", "svc-8081 8081", "svc-8082 8082"]);
    expect(await policyPorts()).toEqual([8081, 8082]);
  });

  test("K1: what somebody else changes of them comes back", async () => {
    const target = async () => {
      const ports = listOf(fieldOf(await get(SERVICE), "spec", "ports"));
      return ports.map((one) => fieldOf(one, "targetPort"));
    };
    const before = await target();
    const bend = { name: "svc-8081", port: 8081, targetPort: 9, protocol: "TCP" };
    expect(await applyAs("me", { spec: { ports: [bend] } })).toMatchObject({ kind: "applied" });
    expect(await target()).not.toEqual(before);
    await expect.poll(target, POLL).toEqual(before);
    expect(await applyAs("me", {})).toMatchObject({ kind: "applied" });
  });

  test("N1: a port of another namespace's service is a PortConflict, the other port is opened", async () => {
    // Its names come later too: a second is all that the API server tells of an age.
    await serve("later", { http: 8083, a2a: 8082 }, "zone");
    await expect
      .poll(() => ready("later", "zone"), POLL)
      .toBe("PortConflict: spec.ports[1].port: ArkService default/first has 8082");
    expect(await portsOf("later", "zone")).toEqual([8083]);
    expect(await servicePorts()).toEqual(["http 8092", "svc-8081 8081", "svc-8082 8082", "svc-8083 8083"]);
    expect(await ready("first")).toBe("Reconciled: tasks are taken");
  });

  test("ports that are the operator's own are nobody's", async () => {
    await serve("own", { http: 8092, a2a: 8080 });
    await expect
      .poll(() => ready("own"), POLL)
      .toBe(
        "PortConflict: spec.ports[0].port: 8092 is the front door's own; spec.ports[1].port: 8080 is the operator's own",
      );
    expect(await portsOf("own")).toEqual([]);
    await remove("own");
  });

  test("K2: a port that the Service has by another name is not taken from it", async () => {
    const ports = [{ name: "mine", port: 8084, targetPort: 8092 }];
    expect(await applyAs("me", { spec: { ports } })).toMatchObject({ kind: "applied" });
    await serve("beside", { http: 8084 });
    await expect
      .poll(() => ready("beside"), POLL)
      .toBe(
        "PortConflict: spec.ports[0].port: 8084 cannot be opened: Service ark-operator has a port mine of this number",
      );
    expect(await servicePorts()).toContain("mine 8084");
    await remove("beside");
    expect(await applyAs("me", {})).toMatchObject({ kind: "applied" });
  });

  test("a port that is freed is the next one's; services that go leave none behind", async () => {
    await remove("first");
    await expect.poll(() => ready("later", "zone"), POLL).toBe("Reconciled: tasks are taken");
    expect(await servicePorts()).toEqual(["http 8092", "svc-8082 8082", "svc-8083 8083"]);
    await remove("later", "zone");
    await expect.poll(servicePorts, POLL).toEqual(["http 8092"]);
    await expect.poll(policyPorts, POLL).toEqual([]);
  });

  test("what went while nobody led is taken away by who leads next", async () => {
    await serve("unseen", { http: 8085 });
    await expect.poll(servicePorts, POLL).toContain("svc-8085 8085");
    await world.stopLeading();
    await remove("unseen");
    await world.js.services.delete("default", "unseen");
    world.lead();
    await expect.poll(servicePorts, POLL).toEqual(["http 8092"]);
  });

  test("a port at which this replica cannot listen is a PortConflict with the reason", async () => {
    await world.stopLeading();
    world.lead({}, Date.now, (port) => (port === 81 ? "listen EACCES: permission denied" : undefined));
    await serve("low", { http: 81 });
    await expect
      .poll(() => ready("low"), POLL)
      .toBe("PortConflict: spec.ports[0].port: 81 cannot be opened: listen EACCES: permission denied");
    await remove("low");
  });
});

describe("each replica", () => {
  const record = (port: number, protocol: DeclaredPort["protocol"], name = "writing") =>
    ({
      namespace: "ns",
      name,
      uid: "u",
      generation: 1,
      agent: "writer",
      strategy: "random",
      protocols: [protocol],
      ports: [{ port, protocol }],
      tokenDigest: "sha256:0",
    }) as const;

  /** Passes on to one router, which says what it was asked. */
  async function startReplica(js: JetStream, routerUrl: string) {
    const stop = new AbortController();
    const front = createFront({
      upstream: "http://127.0.0.1:9",
      services: js.services,
      routerUrl: () => routerUrl,
      record: () => expect.unreachable(),
      ready: () => true,
      log: QUIET,
    });
    const ports = createPorts({ listener: front.atPort, serve: { host: "127.0.0.1" }, graceMs: 1_000, log: QUIET });
    const deps = { services: js.services, ports, log: QUIET };
    await openPorts(deps);
    const following = followPorts(deps, stop.signal);
    return {
      ports,
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await following;
        await ports.stop(0);
        front[Symbol.dispose]();
      },
    };
  }

  const ask = async (port: number, path = "/task?mode=async") =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { "x-ark-protocol": "mine" } }).then(
      async (answer) => (answer.ok ? answer.json().catch(() => "text") : answer.status),
      () => "refused",
    );

  test("a declared port leads to its service's router, as it comes and goes and moves", async () => {
    await using router = await startHttp((asked, answer) => {
      answer.end(JSON.stringify([asked.url, asked.headers["x-ark-protocol"], asked.headers["x-forwarded-host"]]));
    });
    const [first = 0, second = 0] = await freePorts(2);
    // G1: of what is there before it begins it knows.
    await world.js.services.put(record(first, "HTTP"));
    await using replica = await startReplica(world.js, router.url);
    expect(await ask(first)).toEqual(["/task?mode=async", "HTTP", `127.0.0.1:${first}`]);
    await world.js.services.put(record(second, "A2A"));
    await expect.poll(() => ask(second), POLL).toEqual(["/task?mode=async", "A2A", `127.0.0.1:${second}`]);
    expect(await ask(first)).toBe("refused");
    await world.js.services.delete("ns", "writing");
    await expect.poll(() => ask(second), POLL).toBe("refused");
    expect(replica.ports.open().size).toBe(0);
  });

  test("a probe of a declared port wakes no router", async () => {
    await using router = await startHttp(() => expect.unreachable());
    const port = await freePort();
    await world.js.services.put(record(port, "HTTP"));
    await using _replica = await startReplica(world.js, router.url);
    expect(await ask(port, "/healthz")).toBe("text");
    expect(await ask(port, "/readyz")).toBe("text");
    await world.js.services.delete("ns", "writing");
  });
});
