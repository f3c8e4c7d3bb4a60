/**
 * Installs Ark as a user does, and the scripted model server beside it; resolves once all of it is ready and asleep.
 * ARK_E2E_OVERLAY names the overlay (default: lab). ARK_E2E_KEEP leaves it there afterwards; ARK_E2E_INSTALLED takes
 * what is there already.
 */
import { mkdir, rm } from "node:fs/promises";
import * as path from "node:path";
import { kubectl, run, until, untilAll, isReady } from "./cluster.ts";
import { SYSTEM, TOOLS } from "./names.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const MODEL = path.join(ROOT, "test/e2e/manifests/model.yaml");
/** The folder of the lab overlay's volume. */
const NATS_FOLDER = "/var/lib/ark-nats";

/** What stands outside the namespace, which goes with all that is in it. */
const LEFT_OVER = "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,persistentvolumes";

const set = (name: string): boolean => (process.env[name] ?? "") !== "";

export async function setup(): Promise<void> {
  if (!set("ARK_E2E_INSTALLED")) await install();
  await startModel();
}

async function install(): Promise<void> {
  const overlay = overlayPath();
  const installed = (await run("kubectl", ["get", "namespace", SYSTEM])).code === 0;
  if (overlay.endsWith("/lab") && !installed) {
    await rm(NATS_FOLDER, { recursive: true, force: true });
    await mkdir(NATS_FOLDER, { recursive: true });
  }
  await kubectl("apply", "--server-side", "--force-conflicts", "-k", overlay);
  const apps = "/apis/apps/v1/namespaces";
  await until(`${apps}/${SYSTEM}/statefulsets`, "ark-nats", ({ status }) => status?.["readyReplicas"] === 1);
  await until(`${apps}/${SYSTEM}/deployments`, "ark-operator", ({ spec, status, metadata }) => {
    const seen = status?.["observedGeneration"] === metadata.generation;
    return seen && status?.["availableReplicas"] === spec?.["replicas"];
  });
  const services = `/apis/serving.knative.dev/v1/namespaces/${SYSTEM}/services`;
  await untilAll(services, "", (all) => all.length >= 3 && all.every(isReady));
  await until(`/apis/eventing.knative.dev/v1/namespaces/${SYSTEM}/brokers`, "default", isReady);
}

/** A fresh one: what it was asked earlier is none of these tests' business. */
async function startModel(): Promise<void> {
  await kubectl("apply", "--server-side", "--force-conflicts", "-f", MODEL);
  await kubectl("rollout", "restart", "deployment/model", "-n", TOOLS);
  await kubectl("rollout", "status", "deployment/model", "-n", TOOLS, "--timeout=120s");
}

/** Throws when the uninstall that the docs describe leaves anything behind. */
export async function teardown(): Promise<void> {
  if (set("ARK_E2E_KEEP") || set("ARK_E2E_INSTALLED")) return;
  await kubectl("delete", "-f", MODEL, "--ignore-not-found", "--wait=true");
  await kubectl(
    "delete",
    "arkevents,arkservices,arkteams,arkagents,arkruns,arksettings",
    "--all",
    "-A",
    "--timeout=120s",
  );
  const triggers = `/apis/eventing.knative.dev/v1/namespaces/${SYSTEM}/triggers`;
  await untilAll(triggers, "arkonis.dev/event", (all) => all.length === 0, 300_000);
  // A namespace that is deleted looks again after half the grace of its slowest pod: the pods go first.
  await kubectl("delete", "ksvc,deployments,statefulsets", "--all", "-n", SYSTEM, "--wait=true");
  await untilAll(`/api/v1/namespaces/${SYSTEM}/pods`, "", (pods) => pods.length === 0, 300_000);
  await kubectl("delete", "secrets", "-l", "app.kubernetes.io/managed-by=ark-operator", "-A");
  await kubectl("delete", "-k", overlayPath(), "--ignore-not-found", "--wait=true");
  const everywhere = await kubectl("get", LEFT_OVER, "-o", "name");
  const left = everywhere.split("\n").filter((name) => /\/ark-|arkonis\.dev/.test(name));
  if (left.length > 0) throw new Error(`the uninstall left behind: ${left.join(", ")}`);
}

function overlayPath(): string {
  return path.join(ROOT, "knative/overlays", process.env["ARK_E2E_OVERLAY"] ?? "lab");
}
