/** What the instances of an agent told last of it: looked up where its spec asks for it, also while it sleeps. */
import type { ArkAgent } from "#core/api/v1alpha1/ark-agent.ts";
import type { ProbeAnswers } from "#core/ports/probes.ts";
import type { ToolServers } from "#core/ports/tool-servers.ts";
import { type AgentWorld, isProbed } from "./agent.ts";
import { hasServers } from "./mcp-servers.ts";

type Ports = { readonly probes: ProbeAnswers; readonly toolServers: Pick<ToolServers, "last"> };

export async function lastSeen(
  agent: ArkAgent,
  { probes, toolServers }: Ports,
): Promise<Pick<AgentWorld, "probed" | "servers">> {
  const { namespace = "default", name = "", uid } = agent.metadata;
  const id = { namespace, agent: name, uid };
  const probed = isProbed(agent) ? await probes.last(id) : undefined;
  const servers = hasServers(agent) ? await toolServers.last(id) : [];
  return probed === undefined ? { servers } : { probed, servers };
}
