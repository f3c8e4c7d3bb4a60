/**
 * Tells how this agent's MCP servers were when its tasks used them, for the agent's status (D27).
 *
 * H1  No task waits for it, and none fails by it: what could not be told is told with the next use.
 * H2  What an instance sees anew it tells at once, all else once a minute. While it sees nothing new it looks every ten
 *     seconds whether another instance has told something else: the last one to use a server is right.
 * H3  A message is one short line, without secrets, values of headers, and what may be secret in an address (P7).
 */
import { redactor, secretsOf } from "#core/agent/redact.ts";
import type { ResolvedAgent } from "#core/agent/task.ts";
import type { ServerHealth } from "#core/agent/toolbox.ts";
import { shownUrl } from "#core/api/shown-url.ts";
import { cut } from "#core/events/text.ts";
import type { Logger } from "#core/ports/log.ts";
import type { ServerSeen, ToolServers } from "#core/ports/tool-servers.ts";

export type ReportDeps = {
  readonly toolServers: ToolServers;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Logger;
};

export type Report = (seen: readonly ServerHealth[]) => void;

type Used = Omit<ServerSeen, "since">;

const LOOK_MS = 10_000;
const TOLD_MS = 60_000;
const MESSAGE_CHARS = 256;

/** For `joinTools`, which says what was used. Never throws. */
export function createReport(agent: ResolvedAgent, deps: ReportDeps): Report {
  const clean = cleaner(agent);
  const used = new Map<string, Used>();
  const look = looker(agent, used, deps);
  let isLooking = false;
  const work = async (): Promise<void> => {
    try {
      while (used.size > 0 && (await look()) === "looked");
    } catch (error) {
      deps.log.debug({ err: error }, "state of MCP servers not told");
    } finally {
      isLooking = false;
    }
  };
  return (seen) => {
    for (const one of seen) used.set(one.name, { ...clean(one), at: deps.now() });
    if (isLooking) return;
    isLooking = true;
    void work();
  };
}

/** H2. Takes out of `used` what is told. */
function looker(
  { namespace, name, uid, mcpServers }: ResolvedAgent,
  used: Map<string, Used>,
  { toolServers, now }: ReportDeps,
): () => Promise<"looked" | "not due"> {
  const id = { namespace, agent: name, uid };
  const known = new Map<string, Used>();
  let lookedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const isDue = Math.abs(now() - lookedAt) >= LOOK_MS;
    const taken = [...used.values()];
    if (!isDue && taken.every((one) => isSame(one, known.get(one.name)))) return "not due";
    const stored = await toolServers.last(id);
    const told = mcpServers.flatMap(({ name: server, url }) => {
      const before = stored.find((one) => one.name === server && one.url === shownUrl(url));
      const one = used.get(server);
      return one === undefined ? (before ?? []) : withSince(one, before);
    });
    if (told.some((one) => isNews(one, stored))) await toolServers.tell(id, told);
    for (const one of taken) {
      known.set(one.name, one);
      if (used.get(one.name) === one) used.delete(one.name);
    }
    lookedAt = now();
    return "looked";
  };
}

function withSince(used: Used, before: ServerSeen | undefined): ServerSeen {
  return { ...used, since: before?.healthy === used.healthy ? Math.min(before.since, used.at) : used.at };
}

function isNews(told: ServerSeen, stored: readonly ServerSeen[]): boolean {
  const before = stored.find(({ name, url }) => name === told.name && url === told.url);
  return !isSame(told, before) || Math.abs(told.at - (before?.at ?? 0)) >= TOLD_MS;
}

function isSame({ healthy, message }: Used, other: Used | undefined): boolean {
  return other !== undefined && healthy === other.healthy && message === other.message;
}

/** H3. */
function cleaner(agent: ResolvedAgent): (health: ServerHealth) => Omit<Used, "at"> {
  const values = agent.mcpServers.flatMap(({ url, headers }) => [...Object.values(headers), ...hidden(url)]);
  const redact = redactor([...secretsOf(agent), ...values]);
  return ({ name, url, healthy, message }) => {
    const seen = { name, url: shownUrl(url), healthy };
    return message === undefined
      ? seen
      : { ...seen, message: cut(redact(message).replace(/\s+/g, " ").trim(), MESSAGE_CHARS) };
  };
}

/** What an address has before its host and behind its path: whole, and each value of it. */
function hidden(url: string): string[] {
  const [, credentials = "", rest = ""] = /^(?:[a-z]+:\/\/([^/]*)@)?[^?#]*(?:[?#](.*))?$/is.exec(url) ?? [];
  return [credentials, ...credentials.split(":"), rest, ...rest.split(/[&#]/).flatMap((one) => one.split("="))];
}
