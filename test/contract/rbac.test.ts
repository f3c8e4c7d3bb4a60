/**
 * What each process may do, asked of a real API server with its own service account: this list, and nothing else
 * (design 7, D43). A right that is added to a manifest fails here until it stands in the list, with its reason there.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { startApiServer, type ApiServer } from "../harness/api-server.ts";
import { create, manifests } from "../harness/manifests.ts";

const SYSTEM = "ark-system";
const USERS = "team-a";

const READ = ["get", "list", "watch"];
const OWN = [...READ, "create", "patch", "delete"];
const rights = (resource: string, verbs: readonly string[]) => verbs.map((verb) => `${verb} ${resource}`);

const EVERYWHERE: Readonly<Record<string, readonly string[]>> = {
  "ark-webhook": [],
  "ark-dispatcher": [
    ...rights("arkonis.dev/arkevents", ["get"]),
    ...rights("arkonis.dev/arkteams", ["get"]),
    // An event that was sent to an agent's address.
    ...rights("arkonis.dev/arkagents", ["get"]),
    ...rights("arkonis.dev/arkruns", ["create", "get"]),
    // Skipped and DeadLettered, on the ArkEvent.
    ...rights("events.k8s.io/events", ["create", "patch"]),
  ],
  "ark-collector": rights("arkonis.dev/arkruns/status", ["patch"]),
  "ark-operator": [
    ...rights("arkonis.dev/arkevents", READ),
    ...rights("arkonis.dev/arkteams", READ),
    ...rights("arkonis.dev/arkservices", READ),
    ...rights("arkonis.dev/arksettings", READ),
    ...rights("arkonis.dev/arkagents", OWN),
    // A run made by hand gets its snapshot, an old one goes. It makes none, and writes the status of none (P5).
    ...rights("arkonis.dev/arkruns", [...READ, "update", "patch", "delete"]),
    ...["arkevents", "arkteams", "arkagents", "arkservices", "arksettings"].flatMap((kind) =>
      rights(`arkonis.dev/${kind}/status`, ["patch"]),
    ),
    ...["arkevents", "arkteams", "arkagents", "arkservices"].flatMap((kind) =>
      rights(`arkonis.dev/${kind}/finalizers`, ["update"]),
    ),
    ...rights("eventing.knative.dev/triggers", OWN),
    // It makes and mends the Broker of the class that is set, and never takes one away.
    ...rights("eventing.knative.dev/brokers", ["get", "create", "patch"]),
    // Its runs' events in Knative's catalogue.
    ...rights("eventing.knative.dev/eventtypes", ["get", "create", "patch"]),
    // Whether the last Trigger's is gone.
    ...rights("messaging.knative.dev/subscriptions", ["list"]),
    ...rights("sources.knative.dev/pingsources", OWN),
    ...rights("serving.knative.dev/services", OWN),
    ...rights("serving.knative.dev/revisions", ["list", "watch"]),
    ...rights("configmaps", [...READ, "create", "patch"]),
    ...rights("networking.k8s.io/networkpolicies", OWN),
    // By name: which pods a network policy must let an agent reach.
    ...rights("services", ["get"]),
    // By name alone: it can neither list nor follow them (D43).
    ...rights("secrets", ["get", "create"]),
    ...rights("events.k8s.io/events", ["create", "patch"]),
  ],
};

/** Beyond that, in the namespace where Ark itself is. */
const AT_HOME: Readonly<Record<string, readonly string[]>> = {
  "ark-operator": [
    ...rights("coordination.k8s.io/leases", ["get", "create", "update"]),
    // Ports of ArkServices are ports of the front door; no other service is changed.
    ...rights("services[ark-operator]", ["patch"]),
  ],
};

const Rules = z.object({
  resourceRules: z.array(
    z.object({
      verbs: z.array(z.string()),
      apiGroups: z.array(z.string()).default([]),
      resources: z.array(z.string()).default([]),
      resourceNames: z.array(z.string()).default([]),
    }),
  ),
  incomplete: z.boolean(),
});

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer();
  await create(api.request, await manifests("knative/base/namespace.yaml"), SYSTEM);
  await create(api.request, [{ apiVersion: "v1", kind: "Namespace", metadata: { name: USERS } }], SYSTEM);
  await create(api.request, await manifests("knative/base/service-accounts.yaml"), SYSTEM);
  await create(api.request, await manifests("knative/base/rbac.yaml"), SYSTEM);
  await create(api.request, await manifests("knative/base/operator-rbac.yaml"), SYSTEM);
});
afterAll(() => api?.[Symbol.asyncDispose]());

/** `verb group/resource` and `[name]` where a rule is for one name, as the server lists it for whoever has this token. */
async function may(token: string, namespace: string): Promise<Set<string>> {
  const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } };
  const answer = await api.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review, { token });
  const { resourceRules, incomplete } = Rules.parse(answer.body["status"]);
  expect(incomplete).toBe(false);
  const found = resourceRules.flatMap(({ verbs, apiGroups, resources, resourceNames }) =>
    verbs.flatMap((verb) =>
      apiGroups.flatMap((group) =>
        resources.map((resource) => {
          const names = resourceNames.length === 0 ? "" : `[${resourceNames.join(",")}]`;
          return `${verb} ${group === "" ? "" : `${group}/`}${resource}${names}`;
        }),
      ),
    ),
  );
  return new Set(found);
}

/** What it may do beyond what every service account may. */
async function beyondAnybody(account: string, namespace: string, of = SYSTEM): Promise<string[]> {
  const anybody = await may(await api.serviceAccountToken(USERS, "anybody"), namespace);
  const own = await may(await api.serviceAccountToken(of, account), namespace);
  return [...own].filter((right) => !anybody.has(right)).toSorted();
}

describe("every process may do what the list says and no more", () => {
  for (const [account, expected] of Object.entries(EVERYWHERE)) {
    test(`${account}, in a namespace of a user and in its own`, async () => {
      expect(await beyondAnybody(account, USERS)).toEqual(expected.toSorted());
      const atHome = [...expected, ...(AT_HOME[account] ?? [])];
      expect(await beyondAnybody(account, SYSTEM)).toEqual(atHome.toSorted());
    });
  }

  test("whoever resolves Knative's sinks may read teams and agents, and is given that by Knative's own label", async () => {
    const role = "ark-addressable-resolver";
    const at = `/apis/rbac.authorization.k8s.io/v1`;
    const { body } = await api.request("GET", `${at}/clusterroles/${role}`);
    expect(body["metadata"]).toMatchObject({ labels: { "duck.knative.dev/addressable": "true" } });
    await api.request("POST", `${at}/clusterrolebindings`, {
      metadata: { name: "resolver" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
      subjects: [{ kind: "ServiceAccount", name: "resolver", namespace: USERS }],
    });
    const kinds = ["arkteams", "arkteams/status", "arkagents", "arkagents/status"];
    const expected = kinds.flatMap((kind) => rights(`arkonis.dev/${kind}`, READ));
    expect(await beyondAnybody("resolver", SYSTEM, USERS)).toEqual(expected.toSorted());
  });

  test("an executor has no account of its own: the default one of its namespace may do nothing", async () => {
    expect(await beyondAnybody("default", USERS, USERS)).toEqual([]);
  });

  test("anybody may only ask what they may do", async () => {
    const anybody = await may(await api.serviceAccountToken(USERS, "anybody"), USERS);
    expect([...anybody].toSorted()).toEqual([
      "create authentication.k8s.io/selfsubjectreviews",
      "create authorization.k8s.io/selfsubjectaccessreviews",
      "create authorization.k8s.io/selfsubjectrulesreviews",
    ]);
  });
});
