/** Port of what an agent's instances saw last of its MCP servers (D27): for people, nothing is decided by it. */
import type { AgentId } from "./services.ts";

export type ServerSeen = {
  readonly name: string;
  /** Without what may be secret in it. */
  readonly url: string;
  readonly healthy: boolean;
  /** Why not. */
  readonly message?: string;
  /** When it was used last; milliseconds since the epoch, as `since`. */
  readonly at: number;
  /** Since when it is as it is. */
  readonly since: number;
};

export interface ToolServers {
  /** The last one to tell is right. */
  tell(agent: AgentId, seen: readonly ServerSeen[]): Promise<void>;
  /** Also while the agent sleeps. Empty where nobody has told. */
  last(agent: AgentId): Promise<readonly ServerSeen[]>;
}
