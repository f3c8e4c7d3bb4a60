/**
 * What the instances of an agent saw last of its MCP servers, in `ark-budgets`: one key for each agent (D27).
 *
 * T1  An agent that is made anew under the same name begins with nothing: its uid is in the key.
 * T2  An executor may be a guest, and write here what it likes: what is not as it should be is not there.
 * T3  It goes by itself, long after whoever shows it has seen it.
 */
import * as z from "zod";
import { BUCKETS } from "#core/events/subjects.ts";
import type { AgentId } from "#core/ports/services.ts";
import type { ToolServers } from "#core/ports/tool-servers.ts";
import { bucket } from "./bucket.ts";
import { Instant } from "./instant.ts";
import type { Link } from "./link.ts";

const KEPT_MS = 2 * 24 * 60 * 60_000;
const Note = z.object({
  servers: z
    .array(
      z.object({
        name: z.string().max(40),
        url: z.string().max(2048),
        healthy: z.boolean(),
        message: z.string().max(512).exactOptional(),
        at: Instant,
        since: Instant,
      }),
    )
    .max(32),
});

export function toolServers(link: Link): ToolServers {
  const store = bucket<z.output<typeof Note>>(link, BUCKETS.budgets);
  return {
    tell: async (agent, seen) => {
      await store.put(keyOf(agent), { servers: [...seen] }, KEPT_MS);
    },
    last: async (agent) => {
      const note = Note.safeParse((await store.get(keyOf(agent)))?.value);
      return note.success ? note.data.servers : [];
    },
  };
}

function keyOf({ namespace, agent, uid = "-" }: AgentId): string {
  return `mcp.${namespace}.${agent}.${uid}`;
}
