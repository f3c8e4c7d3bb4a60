import { expect, test } from "vitest";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import { serviceRecord, serviceStatus, type ServiceWorld } from "./service.ts";

const service: ArkService = {
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkService",
  metadata: { name: "writing", namespace: "team", uid: "u1", generation: 3 },
  spec: {
    selector: { arkAgent: "writer" },
    routing: { strategy: "least-busy" },
    ports: [
      { protocol: "HTTP", port: 8081 },
      { protocol: "A2A", port: 8082 },
    ],
  },
};
const well: ServiceWorld = { hasAgent: () => true, ready: 2, canWake: true, url: "http://there:8081/", now: 0 };

const cases: [string, Partial<ServiceWorld>, string, number][] = [
  ["True", {}, "Reconciled", 2],
  ["True", { ready: 0 }, "Reconciled", 0],
  ["False", { ready: 0, canWake: false }, "NoReadyReplicas", 0],
  ["False", { hasAgent: () => false }, "AgentNotFound", 0],
  ["False", { portConflict: "port 8081 is that of service other" }, "PortConflict", 2],
  ["False", { fault: "forbidden" }, "ReconcileError", 2],
];
test.each(cases)("Ready is %s of %j: %s", (status, world, reason, ready) => {
  const found = serviceStatus(service, { ...well, ...world });
  expect(found.conditions).toMatchObject([{ type: "Ready", status, reason, observedGeneration: 3 }]);
  expect(found).toMatchObject({ readyReplicas: ready, observedGeneration: 3, address: { url: "http://there:8081/" } });
});

test("an address that is served no more is taken out, what others wrote stays", () => {
  const { url: _url, ...gone } = well;
  const status = { address: { url: "http://old/" }, conditions: [] };
  expect(serviceStatus({ ...service, status }, gone)).not.toHaveProperty("address");
});

test("the record says all that a router needs, and no secret (P7)", () => {
  expect(serviceRecord(service, "sha256:ab", [{ protocol: "HTTP", port: 8081 }])).toEqual({
    namespace: "team",
    name: "writing",
    uid: "u1",
    generation: 3,
    agent: "writer",
    strategy: "least-busy",
    protocols: ["HTTP", "A2A"],
    ports: [{ protocol: "HTTP", port: 8081 }],
    tokenDigest: "sha256:ab",
  });
});
