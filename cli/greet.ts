/** What `ark up` says when it is up: the models, how each event and service is reached, and what cannot work yet. */
import type { Kind } from "#core/api/objects.ts";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import type { Condition } from "#core/api/v1alpha1/common.ts";
import type { Cluster } from "./cluster.ts";
import type { Io } from "./io.ts";
import { modelsText, type OpenPort } from "./local-host.ts";

const JUDGED = ["ArkAgent", "ArkTeam", "ArkEvent", "ArkService"] as const satisfies readonly Kind[];

export async function greet(
  cluster: Cluster,
  local: { readonly url: string; readonly scripted: boolean; openPorts(): readonly OpenPort[] },
  io: Io,
): Promise<void> {
  const [agents, teams, events, services] = await Promise.all([
    cluster.list("ArkAgent", {}),
    cluster.list("ArkTeam", {}),
    cluster.list("ArkEvent", {}),
    cluster.list("ArkService", {}),
  ]);
  io.err(`${modelsText(local)}\n`);
  for (const event of events) io.err(`  ${eventLine(event)}\n`);
  const ports = local.openPorts();
  for (const service of services) io.err(`  ${serviceLine(service, local.url, ports)}\n`);
  for (const line of [agents, teams, events, services].flatMap((objects, k) => notReady(JUDGED[k], objects))) {
    io.err(`${io.style.yellow("warning:")} ${line}\n`);
  }
  const found = `${count(teams, "team")}, ${count(events, "event")}`;
  io.err(`${io.style.green("Ark is up")} at ${local.url}: ${found}. Stop it with Ctrl-C.\n`);
}

function count(objects: readonly unknown[], noun: string): string {
  return `${objects.length} ${noun}${objects.length === 1 ? "" : "s"}`;
}

type Judged = {
  readonly metadata: { readonly name?: string | undefined };
  readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
};

/** Nothing of it is refused: what is missing may come yet. */
function notReady(kind: Kind | undefined, objects: readonly Judged[]): readonly string[] {
  return objects.flatMap(({ metadata, status }) => {
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    if (ready?.status !== "False" || ready.reason === "Suspended") return [];
    return [`${kind} ${metadata.name} is not ready: ${ready.reason}: ${ready.message}`];
  });
}

/** Ports that are not open are warned of. */
function serviceLine({ metadata }: ArkService, url: string, ports: readonly OpenPort[]): string {
  const { namespace = "default", name = "" } = metadata;
  const own = ports
    .filter((one) => one.namespace === namespace && one.name === name)
    .map(({ port, protocol }) => `, ${protocol} at http://${new URL(url).hostname}:${port}`);
  return `${name} answers at ${url}/services/${namespace}/${name}${own.join("")}`;
}

function eventLine(event: ArkEvent): string {
  const { name = "", namespace = "default" } = event.metadata;
  const { type, cron = "", timeZone = "UTC", teamOutput } = event.spec.source;
  switch (type) {
    case "webhook":
      return `ark trigger ${name}${inNamespace(namespace)} --data '{}' --wait`;
    case "cron":
      return `${name} fires at ${cron} (${timeZone})${nextFire(event)}`;
    case "team-output":
      return `${name} fires after team ${teamOutput?.name}`;
    case "cloudevent":
      return `${name} fires on CloudEvents`;
  }
}

function inNamespace(namespace: string): string {
  return namespace === "default" ? "" : ` -n ${namespace}`;
}

function nextFire({ status }: ArkEvent): string {
  return status?.nextFireAt === undefined ? "" : `, next at ${status.nextFireAt}`;
}
