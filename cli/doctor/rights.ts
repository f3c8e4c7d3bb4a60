/** What the user may do: each command needs a few rights, and says here which are missing. */
import type { Kube } from "#platform/kube/client.ts";
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
type Need = { readonly commands: string; readonly needed: boolean; readonly rights: readonly Right[] };

const GROUP = "arkonis.dev";

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
    {
      commands: "trigger EVENT, logs, trace",
      needed: false,
      rights: [
        { verb: "get", resource: "secrets", namespace },
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

async function checkNeed(kube: Kube, { commands, needed, rights }: Need, namespace: string): Promise<Check> {
  const name = `rights: ${commands}`;
  const answers = await Promise.all(rights.map(async (right) => ({ right, may: await may(kube, right) })));
  const missing = answers.filter((answer) => !answer.may).map(({ right }) => words(right));
  if (missing.length === 0) return ok(name, `in namespace ${namespace}`);
  const found = `missing: ${missing.join(", ")}`;
  const change = "Ask for a Role with these rights.";
  if (needed) return fail(name, found, change);
  const other = missing.some((right) => right.includes("portforward"))
    ? " Or use --server URL, if there is an Ingress."
    : "";
  return warn(name, found, `${change}${other}`);
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
