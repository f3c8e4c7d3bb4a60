/** What an agent's status says of the MCP servers that its spec names: as its instances found them last (D27). */
import type { ArkAgent, ArkAgentStatus } from "#core/api/v1alpha1/ark-agent.ts";
import { shownUrl } from "#core/api/shown-url.ts";
import type { ServerSeen } from "#core/ports/tool-servers.ts";
import { time, type Verdict } from "./conditions.ts";

type Shown = NonNullable<ArkAgentStatus["mcpServers"]>[number];

export function hasServers({ spec }: ArkAgent): boolean {
  return (spec.mcpServers ?? []).length > 0;
}

/** Of a server that nobody has used yet nothing is known; of one that nobody has told of lately, what is shown stands. */
export function shownServers({ spec, status }: ArkAgent, seen: readonly ServerSeen[]): readonly Shown[] {
  return (spec.mcpServers ?? []).flatMap(({ name, url }) => {
    const isIt = (one: { readonly name: string; readonly url: string }) =>
      one.name === name && one.url === shownUrl(url);
    const found = seen.find(isIt);
    return found === undefined ? (status?.mcpServers?.find(isIt) ?? []) : shown(found);
  });
}

function shown({ name, url, healthy, message = "no reason was given", at, since }: ServerSeen): Shown {
  const lastCheck = time(at);
  return healthy
    ? { name, url, healthy, lastCheck }
    : { name, url, healthy, message: `since ${time(since)}: ${message}`, lastCheck };
}

export function mcpHealth(servers: readonly Shown[]): Verdict {
  if (servers.length === 0)
    return { status: "Unknown", reason: "NotTried", message: "MCP servers are tried when a task comes" };
  const down = servers.filter((server) => !server.healthy);
  if (down.length === 0) return { status: "False", reason: "ServersReached", message: "every MCP server answers" };
  const isRefused = down.every(({ message }) => message?.includes(": AuthFailed: "));
  return {
    status: "True",
    reason: isRefused ? "AuthFailed" : "ServerUnreachable",
    message: `${isRefused ? "refused by" : "unreachable"}: ${down.map(({ name }) => name).join(", ")}`,
  };
}
