/** What the user may do: each command needs a few rights, and says here which are missing. */
import type { Kube } from "#platform/kube/client.ts";
import { RECORD_SECRET } from "#core/runs/record-secret.ts";
import { fail, ok, warn, type Check } from "./check.ts";

type Right = {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  /** One object by its name; absent: all of them. */
  readonly name?: string;
  readonly namespace: string;
};
type Need = {
  readonly commands: string;
  readonly needed: boolean;
  readonly rights: readonly Right[];
  /** What serves as well as `rights`. */
  readonly or?: readonly Right[];
};

const GROUP = "arkonis.dev";
/** The way there, of every command that takes it. */
const FRONT_DOOR = "the front door";

function needs(namespace: string): readonly Need[] {
  const runs = (verb: string): Right => ({ verb, group: GROUP, resource: "arkruns", namespace });
  const teams = (verb: string): Right => ({ verb, group: GROUP, resource: "arkteams", namespace });
  const system = (verb: string, resource: string, subresource?: string): Right => ({
    verb,
    resource,
    namespace: "ark-system",
    ...(subresource === undefined ? {} : { subresource }),
  });
  return [
    {
      commands: "get, status",
      needed: true,
      rights: ["get", "list", "watch"].flatMap((verb) => [runs(verb), teams(verb)]),
    },
    { commands: "trigger TEAM, retry", needed: false, rights: [runs("create")] },
    { commands: "cancel", needed: false, rights: [runs("patch")] },
    { commands: "trigger EVENT", needed: false, rights: [{ verb: "get", resource: "secrets", namespace }] },
    {
      commands: "turns in logs, trace",
      needed: false,
      rights: [{ verb: "get", resource: "secrets", name: RECORD_SECRET, namespace }],
    },
    {
      commands: FRONT_DOOR,
      needed: false,
      rights: ["get", "create"].map((verb) => ({ ...system(verb, "services", "proxy"), name: "ark-operator:8092" })),
      or: [
        { ...system("get", "services"), name: "ark-operator" },
        system("list", "pods"),
        // A WebSocket begins with GET; from Kubernetes 1.35 on it must also be allowed to create.
        system("get", "pods", "portforward"),
        system("create", "pods", "portforward"),
      ],
    },
  ];
}

export function checkRights(kube: Kube, namespace: string): Promise<readonly Check[]> {
  return Promise.all(needs(namespace).map((need) => checkNeed(kube, need, namespace)));
}

async function checkNeed(kube: Kube, { commands, needed, rights, or }: Need, namespace: string): Promise<Check> {
  const name = `rights: ${commands}`;
  const missing = await missingOf(kube, rights);
  if (missing.length === 0) return ok(name, commands === FRONT_DOOR ? "by its proxy" : `in namespace ${namespace}`);
  if (or !== undefined && (await missingOf(kube, or)).length === 0) return ok(name, "by a port-forward");
  const found = `missing: ${missing.join(", ")}`;
  const change = "Ask for a Role with these rights.";
  if (needed) return fail(name, found, change);
  const other = commands === FRONT_DOOR ? " Or use --server URL, if there is an Ingress." : "";
  return warn(name, found, `${change}${other}`);
}

async function missingOf(kube: Kube, rights: readonly Right[]): Promise<readonly string[]> {
  const answers = await Promise.all(rights.map(async (right) => ({ right, may: await may(kube, right) })));
  return answers.filter((answer) => !answer.may).map(({ right }) => words(right));
}

async function may(kube: Kube, right: Right): Promise<boolean> {
  const { status, body } = await kube.request({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: right },
    },
  });
  return status === 201 && (body as { status?: { allowed?: boolean } }).status?.allowed === true;
}

function words({ verb, group, resource, subresource, name, namespace }: Right): string {
  const what = [resource, subresource].filter(Boolean).join("/");
  const one = name === undefined ? "" : ` ${name}`;
  return `${verb} ${what}${group === undefined ? "" : `.${group}`}${one} in ${namespace}`;
}
