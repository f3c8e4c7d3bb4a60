import { expect, test } from "vitest";
import { ArkAgentSchema, type ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import { destinationOf, destinationsOf } from "../state/destinations.ts";
import { serviceView } from "../state/service-view.ts";
import { networkPolicy, type Reach } from "./network-policy.ts";

const WHERE = { namespace: "ai-team", clusterDomain: "cluster.local" };

function agent(spec: object): ArkAgent {
  return ArkAgentSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer", namespace: "ai-team", uid: "u-2" },
    spec: { model: "gpt-4o", systemPrompt: "You write.", ...spec },
  });
}

const NATS: readonly Reach[] = [{ kind: "namespace", namespace: "ark-system", port: 4222 }];
const NAMED: readonly Reach[] = [
  { kind: "public", port: 443 },
  { kind: "pods", namespace: "tools", labels: { app: "wiki" }, port: "http" },
  { kind: "address", cidr: "10.1.2.3/32", port: 8443 },
];

test("N1, N2: the policy of an agent by default, whole", () => {
  expect(networkPolicy(agent({}), NATS, NAMED)).toMatchSnapshot();
});

test("N3, E18: strict reaches what the agent names and no other public port", () => {
  const strict = networkPolicy(agent({ networkPolicy: "strict" }), NATS, NAMED);
  expect(strict?.spec.egress).toMatchSnapshot();
});

test("disabled: none", () => {
  expect(networkPolicy(agent({ networkPolicy: "disabled" }), NATS, NAMED)).toBeUndefined();
});

const service = (name: string, namespace: string, port: number) => ({ kind: "service", name, namespace, port });

test.each([
  ["https://api.openai.com/v1", [{ kind: "public", port: 443 }]],
  ["https://tools.example.com:8443/mcp", [{ kind: "public", port: 8443 }]],
  ["http://wiki/mcp", [service("wiki", "ai-team", 80)]],
  ["http://wiki.tools/mcp", [service("wiki", "tools", 80), { kind: "public", port: 80 }]],
  ["http://wiki.tools.svc:8080", [service("wiki", "tools", 8080)]],
  ["http://wiki.tools.svc.cluster.local.", [service("wiki", "tools", 80)]],
  ["http://wiki.tools.svc.other.local", [{ kind: "public", port: 80 }]],
  ["nats://nats.ark-system:4222", [service("nats", "ark-system", 4222), { kind: "public", port: 4222 }]],
  ["http://10.1.2.3:9000", [{ kind: "address", cidr: "10.1.2.3/32", port: 9000 }]],
  ["https://[fd00::1]/mcp", [{ kind: "address", cidr: "fd00::1/128", port: 443 }]],
  ["stdio:npx files", []],
  ["nowhere", []],
])("where %s is", (url, wanted) => {
  expect(destinationOf(url, WHERE)).toEqual(wanted);
});

test("an agent goes to its model, its MCP servers and its tools, each named once", () => {
  const { spec } = agent({
    mcpServers: [{ name: "wiki", url: "http://wiki.tools.svc/mcp" }],
    tools: [
      { name: "find", url: "http://wiki.tools.svc/find" },
      { name: "far", url: "https://far.example.com" },
    ],
  });
  expect(destinationsOf(spec, "https://api.openai.com/v1", WHERE)).toEqual([
    { kind: "public", port: 443 },
    service("wiki", "tools", 80),
  ]);
});

const SELECTOR = { app: "wiki" };
const PORTS = [{ port: 80, targetPort: "http" }, { port: 81, targetPort: 8081 }, { port: 82 }];
test.each([
  ["its pods' ports", { selector: SELECTOR, clusterIP: "10.0.0.1", ports: PORTS }, ["http", 8081, 82, 83]],
  ["headless: the port that is asked for", { selector: SELECTOR, clusterIP: "None", ports: PORTS }, [80, 81, 82, 83]],
  ["without a selector: a number, since it names no pods", { ports: PORTS }, [80, 8081, 82, 83]],
])("a service, %s", (_what, spec, wanted) => {
  const view = serviceView({ spec });
  if (view.kind !== "pods" && view.kind !== "unselected") throw new Error(view.kind);
  expect([80, 81, 82, 83].map((port) => view.portOf(port))).toEqual(wanted);
});

test("a service that is none, and one that is another's name", () => {
  expect(serviceView(undefined)).toEqual({ kind: "absent" });
  const gateway = "kourier-internal.kourier-system.svc.cluster.local";
  expect(serviceView({ spec: { type: "ExternalName", externalName: gateway } })).toEqual({
    kind: "alias",
    host: gateway,
  });
});
