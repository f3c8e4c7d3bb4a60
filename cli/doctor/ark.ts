/** Ark itself: its kinds, its processes and its NATS. */
import { isDeepStrictEqual } from "node:util";
import { customResourceDefinition } from "#core/api/crd.ts";
import { KINDS, type KindInfo } from "#core/api/kinds.ts";
import { API_GROUP, API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { Kube } from "#platform/kube/client.ts";
import {
  conditionOf,
  fail,
  isBelow,
  look,
  messageOf,
  ok,
  SYSTEM,
  unseen,
  versionOf,
  warn,
  type Check,
  type Meta,
} from "./check.ts";

const LEAST_NATS = [2, 12] as const;
const FUNCTIONS = ["ark-webhook", "ark-dispatcher", "ark-collector"] as const;
const INSTALL = "Install Ark: ark install --apply";

type Definition = { readonly spec?: { readonly versions?: readonly { readonly schema?: unknown }[] } };

/** All kinds are there, and their schemas are those of this command. */
export async function checkKinds(kube: Kube): Promise<Check> {
  const name = "crds";
  const infos = Object.values(KINDS);
  const looks = await Promise.all(infos.map(async (info) => ({ info, now: await look(kube, pathOf(info)) })));
  if (looks.some(({ now }) => now.kind === "hidden")) return checkServed(kube, name);
  const absent = looks.filter(({ now }) => now.kind === "absent").map(({ info }) => info.kind);
  if (absent.length > 0) return fail(name, `not there: ${absent.join(", ")}`, INSTALL);
  const bodies = looks.flatMap(({ info, now }) => (now.kind === "found" ? [{ info, body: now.body }] : []));
  const idle = bodies.filter(({ body }) => conditionOf(body, "Established")?.status !== "True");
  if (idle.length > 0)
    return fail(
      name,
      `not served: ${named(idle)}`,
      `Look at them: kubectl describe crd ${idle[0]?.info.plural}.${API_GROUP}`,
    );
  const other = bodies.filter(({ info, body }) => !isOfThisVersion(info, body as Definition));
  if (other.length === 0) return ok(name, `${infos.length} kinds of ${API_VERSION}, as this command knows them`);
  return warn(
    name,
    `of another version than this command: ${named(other)}`,
    "Bring both to one version: ark install --apply, or the `ark` of the version that is installed.",
  );
}

function pathOf({ plural }: KindInfo): string {
  return `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${API_GROUP}`;
}

function named(of: readonly { readonly info: KindInfo }[]): string {
  return of.map(({ info }) => info.kind).join(", ");
}

function isOfThisVersion(info: KindInfo, now: Definition): boolean {
  const made = customResourceDefinition(info);
  if (made.kind === "refused") return false;
  const schema = ({ spec }: Definition) => JSON.parse(JSON.stringify(spec?.versions?.[0]?.schema ?? null)) as unknown;
  return isDeepStrictEqual(schema(now), schema(made.manifest as Definition));
}

/** For those who may not read the definitions: what the server serves, it tells everybody. */
async function checkServed(kube: Kube, name: string): Promise<Check> {
  const served = await look(kube, `/apis/${API_VERSION}`);
  if (served.kind !== "found") return fail(name, `${API_VERSION} is not served`, INSTALL);
  const { resources = [] } = served.body as { resources?: readonly { readonly name: string }[] };
  const absent = Object.values(KINDS).filter(({ plural }) => !resources.some((resource) => resource.name === plural));
  if (absent.length > 0) return fail(name, `not there: ${absent.map(({ kind }) => kind).join(", ")}`, INSTALL);
  return ok(name, `${API_VERSION} is served; its schemas are not for you to read`);
}

type Workload = {
  readonly metadata?: Meta;
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly image?: string }[] } };
  };
  readonly status?: { readonly readyReplicas?: number };
};

/** Its /readyz counts as ready only while NATS of a version that it can use answers. */
export async function checkOperator(kube: Kube): Promise<Check> {
  const name = "operator";
  const found = await look(kube, `/apis/apps/v1/namespaces/${SYSTEM}/deployments/ark-operator`);
  if (found.kind === "hidden") return unseen(name, found.why);
  if (found.kind === "absent") return fail(name, `Deployment ark-operator is not in ${SYSTEM}`, INSTALL);
  const { spec, status } = found.body as Workload;
  const ready = `${status?.readyReplicas ?? 0} of ${spec?.replicas ?? 1} ready`;
  if ((status?.readyReplicas ?? 0) > 0) return ok(name, `${ready}, ${imageOf(found.body as Workload)}`);
  return fail(name, ready, `Why: kubectl logs -n ${SYSTEM} deployment/ark-operator; NATS may be away or too old.`);
}

export async function checkFunctions(kube: Kube): Promise<Check> {
  const name = "functions";
  const looks = await Promise.all(
    FUNCTIONS.map(async (of) => ({
      of,
      now: await look(kube, `/apis/serving.knative.dev/v1/namespaces/${SYSTEM}/services/${of}`),
    })),
  );
  const hidden = looks.find(({ now }) => now.kind === "hidden")?.now;
  if (hidden?.kind === "hidden") return unseen(name, hidden.why);
  const absent = looks.filter(({ now }) => now.kind === "absent").map(({ of }) => of);
  if (absent.length > 0) return fail(name, `not in ${SYSTEM}: ${absent.join(", ")}`, INSTALL);
  const unready = looks.filter(({ now }) => now.kind === "found" && conditionOf(now.body, "Ready")?.status !== "True");
  if (unready.length === 0) return ok(name, `${FUNCTIONS.join(", ")} are ready`);
  const why = unready.map(({ of, now }) => {
    return `${of} (${messageOf(now.kind === "found" ? conditionOf(now.body, "Ready") : undefined)})`;
  });
  return fail(name, `not ready: ${why.join(", ")}`, `Look at them: kubectl get ksvc -n ${SYSTEM}`);
}

/** The version by the image of the StatefulSet that `ark install` makes; a NATS of your own is the operator's to judge. */
export async function checkNats(kube: Kube): Promise<Check> {
  const name = "nats";
  const found = await look(kube, `/apis/apps/v1/namespaces/${SYSTEM}/statefulsets/ark-nats`);
  if (found.kind === "hidden") return unseen(name, found.why);
  if (found.kind === "absent") return checkOwnNats(kube, name);
  const workload = found.body as Workload;
  const image = imageOf(workload);
  if ((workload.status?.readyReplicas ?? 0) === 0)
    return fail(name, `${image}, not ready`, `Look at it: kubectl describe statefulset ark-nats -n ${SYSTEM}`);
  const version = versionOf(image.split(":").at(-1) ?? "");
  const least = LEAST_NATS.join(".");
  if (version === undefined)
    return ok(name, `${image}, ready; its tag tells no version: the operator refuses one below ${least}`);
  if (isBelow(version, LEAST_NATS))
    return fail(name, image, `Use nats-server ${least} or later: it has message schedules.`);
  return ok(name, image);
}

async function checkOwnNats(kube: Kube, name: string): Promise<Check> {
  const config = await look(kube, `/api/v1/namespaces/${SYSTEM}/configmaps/ark-config`);
  if (config.kind === "hidden") return unseen(name, config.why);
  const { data = {} } = (config.kind === "found" ? config.body : {}) as { data?: Readonly<Record<string, string>> };
  const url = data["ARK_NATS_URL"];
  if (url === undefined) return fail(name, "nothing says where NATS is", INSTALL);
  return ok(name, `yours, at ${url}; the operator is ready only with ${LEAST_NATS.join(".")} or later`);
}

function imageOf({ spec }: Workload): string {
  return spec?.template?.spec?.containers?.[0]?.image ?? "an unknown image";
}
