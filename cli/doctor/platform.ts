/** Kubernetes and Knative: present, recent enough, and set as Ark needs them. */
import type { Kube } from "#platform/kube/client.ts";
import { fail, isBelow, look, ok, unseen, versionOf, warn, type Check, type Meta } from "./check.ts";

/** What docs/install.md asks for, as today's Knative does. */
const LEAST_KUBERNETES = [1, 34] as const;
/** The first with all that Ark was tried on. */
const TRIED_KNATIVE = [1, 22] as const;
/** The webhook function holds a synchronous caller for up to an hour, and a little (knative/base/webhook.yaml). */
const NEEDED_SECONDS = 3_660;
const WANTED_SECONDS = 7_200;
const DEFAULT_MAX_SECONDS = 600;

const SERVING = "knative-serving";
const INSTALL = "https://knative.dev/docs/install/yaml-install";

export async function checkKubernetes(kube: Kube): Promise<Check> {
  const name = "kubernetes";
  const found = await look(kube, "/version");
  if (found.kind !== "found") return unseen(name, "the API server does not tell its version");
  const { gitVersion = "" } = found.body as { gitVersion?: string };
  const version = versionOf(gitVersion);
  if (version === undefined || !isBelow(version, LEAST_KUBERNETES)) return ok(name, gitVersion);
  return fail(name, gitVersion, `Upgrade the cluster to Kubernetes ${LEAST_KUBERNETES.join(".")} or later.`);
}

type Part = {
  readonly name: string;
  readonly words: string;
  readonly groups: readonly string[];
  readonly deployment: string;
};

export const KNATIVE: readonly Part[] = [
  {
    name: "knative-serving",
    words: "Knative Serving",
    groups: ["serving.knative.dev/v1"],
    deployment: "/apis/apps/v1/namespaces/knative-serving/deployments/controller",
  },
  {
    name: "knative-eventing",
    words: "Knative Eventing",
    groups: ["eventing.knative.dev/v1", "sources.knative.dev/v1"],
    deployment: "/apis/apps/v1/namespaces/knative-eventing/deployments/eventing-controller",
  },
];

/** Its APIs are served, and its controller is of a version that Ark was tried on. */
export async function checkKnative(kube: Kube, { name, words, groups, deployment }: Part): Promise<Check> {
  for (const group of groups) {
    const served = await look(kube, `/apis/${group}`);
    if (served.kind === "absent")
      return fail(name, `${words} is not installed: ${group} is not served`, `Install it: ${INSTALL}`);
  }
  const controller = await look(kube, deployment);
  if (controller.kind === "hidden") return ok(name, `installed; its version is not for you to read`);
  if (controller.kind === "absent")
    return warn(
      name,
      "served, but its controller is not in its usual place",
      `Look at it: kubectl get pods -n ${name}`,
    );
  const { metadata = {} } = controller.body as { metadata?: Meta };
  const label = metadata.labels?.["app.kubernetes.io/version"] ?? "of unknown version";
  const version = versionOf(label);
  if (version !== undefined && isBelow(version, TRIED_KNATIVE)) {
    const change = `Ark was tried on ${TRIED_KNATIVE.join(".")} and later: upgrade ${words} when you can.`;
    return warn(name, label, change);
  }
  return ok(name, label);
}

type Setting = {
  readonly name: string;
  readonly configMap: string;
  readonly judge: (value: (key: string) => string | undefined, name: string, patch: (data: object) => string) => Check;
};

const ZERO_SCALE: Setting = {
  name: "scale-to-zero",
  configMap: "config-autoscaler",
  judge: (value, name, patch) => {
    if (value("enable-scale-to-zero") === "false")
      return fail(
        name,
        "enable-scale-to-zero is false: nothing ever sleeps",
        patch({ "enable-scale-to-zero": "true" }),
      );
    if (value("allow-zero-initial-scale") === "true") return ok(name, "allow-zero-initial-scale is true");
    return fail(
      name,
      "allow-zero-initial-scale is not true: the functions, which begin at zero, are refused",
      patch({ "allow-zero-initial-scale": "true" }),
    );
  },
};

const TIMEOUTS: Setting = {
  name: "revision-timeout",
  configMap: "config-defaults",
  judge: (value, name, patch) => {
    const key = "max-revision-timeout-seconds";
    const seconds = Number(value(key) ?? DEFAULT_MAX_SECONDS);
    const found = `${key} is ${seconds}`;
    if (seconds >= WANTED_SECONDS) return ok(name, found);
    const change = patch({ [key]: String(WANTED_SECONDS) });
    return seconds >= NEEDED_SECONDS
      ? warn(name, `${found}: steps of an agent may take no longer`, change)
      : fail(name, `${found}: the webhook function needs ${NEEDED_SECONDS}, and is refused`, change);
  },
};

export const SETTINGS: readonly Setting[] = [ZERO_SCALE, TIMEOUTS];

export async function checkSetting(kube: Kube, { name, configMap, judge }: Setting): Promise<Check> {
  const found = await look(kube, `/api/v1/namespaces/${SERVING}/configmaps/${configMap}`);
  if (found.kind === "hidden") return unseen(name, found.why);
  if (found.kind === "absent")
    return fail(name, `ConfigMap ${configMap} is not in ${SERVING}`, `Install Knative Serving: ${INSTALL}`);
  const { data = {} } = found.body as { data?: Readonly<Record<string, string>> };
  const patch = (change: object) =>
    `kubectl patch configmap ${configMap} -n ${SERVING} --type merge -p '${JSON.stringify({ data: change })}'`;
  return judge((key) => data[key], name, patch);
}

/** The activator ends what passes through it when it is told to stop: it must wait as long as the longest request. */
export async function checkActivator(kube: Kube): Promise<Check> {
  const name = "activator-grace";
  const found = await look(kube, `/apis/apps/v1/namespaces/${SERVING}/deployments/activator`);
  if (found.kind === "hidden") return unseen(name, found.why);
  if (found.kind === "absent")
    return warn(name, `Deployment activator is not in ${SERVING}`, `Look at it: kubectl get pods -n ${SERVING}`);
  const { spec } = found.body as { spec?: { template?: { spec?: { terminationGracePeriodSeconds?: number } } } };
  const seconds = spec?.template?.spec?.terminationGracePeriodSeconds ?? 30;
  if (seconds >= NEEDED_SECONDS) return ok(name, `${seconds} s`);
  const patch = JSON.stringify({ spec: { template: { spec: { terminationGracePeriodSeconds: WANTED_SECONDS } } } });
  return warn(
    name,
    `${seconds} s: synchronous callers that wait longer are cut off when an activator is replaced`,
    `kubectl patch deployment activator -n ${SERVING} -p '${patch}'`,
  );
}
