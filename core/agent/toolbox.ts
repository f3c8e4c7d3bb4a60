/**
 * All tools of an agent under one roof.
 *
 * X1  A server that cannot be reached costs its own tools only (D27), and is asked again with the next task.
 * X2  The order is by name: the same tools give the same bytes in a request (D16).
 * X3  A name the model made up is answered with the names there are.
 * X4  Arguments are held against the tool's own schema before a webhook is called.
 * X5  A server that a task stopped asking has said nothing of itself.
 */
import { compileSchema } from "./schema-check.ts";
import type { Toolbox, ToolOutcome, ToolSpec } from "./ports.ts";
import { toolName } from "./tool-name.ts";

export type ToolServerListing =
  | { readonly kind: "tools"; readonly tools: readonly ToolSpec[] }
  | { readonly kind: "unreachable"; readonly reason: string };

/** An MCP server. Never rejects; names are the server's own. */
export type ToolServer = {
  readonly name: string;
  readonly url: string;
  readonly list: (signal: AbortSignal) => Promise<ToolServerListing>;
  readonly call: Toolbox["call"];
  /** Ends connections and processes; the server may be used again. */
  readonly close: () => Promise<void>;
};

/** One tool that is an HTTP request. */
export type SingleTool = {
  readonly spec: ToolSpec;
  readonly call: (
    args: Readonly<Record<string, unknown>>,
    options: { readonly idempotencyKey: string },
    signal: AbortSignal,
  ) => Promise<ToolOutcome>;
};

export type ServerHealth = {
  readonly name: string;
  readonly url: string;
  readonly healthy: boolean;
  readonly message?: string;
};

export type JoinedToolbox = Toolbox & {
  readonly close: () => Promise<void>;
};

type Call = SingleTool["call"];
type Entry = { readonly spec: ToolSpec; readonly call: Call };

/** `onUse`: how servers were found, each time that they were asked for their tools or one was called. */
export function joinTools(
  servers: readonly ToolServer[],
  singles: readonly SingleTool[],
  onUse: (seen: readonly ServerHealth[]) => void = () => {},
): JoinedToolbox {
  const checked = singles.map(withArgumentCheck);
  const asked = new Set<string>();
  /** What a server said last: another task may hold its tools' names while it is away. */
  const offered = new Map<string, readonly Entry[]>();

  const list = async (signal: AbortSignal): Promise<readonly ToolSpec[]> => {
    const listings = await Promise.all(servers.map(async (server) => ({ server, listing: await server.list(signal) })));
    const specs = new Map(checked.map(({ spec }) => [spec.name, spec]));
    const answered = listings.filter(({ listing }) => listing.kind === "tools" || !signal.aborted);
    for (const { server } of answered) asked.add(server.name);
    onUse(answered.map(({ server, listing }) => healthOf(server, listing)));
    for (const { server, listing } of listings) {
      if (listing.kind === "unreachable") continue;
      const entries = listing.tools.map((tool) => entryOf(server, tool, (one) => onUse([one])));
      offered.set(server.name, entries);
      for (const { spec } of entries) specs.set(spec.name, spec);
    }
    return [...specs.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  };
  const callable = () => [...checked, ...[...offered.values()].flat()];

  return {
    list,
    close: async () => void (await Promise.all(servers.map((server) => server.close()))),
    call: async (name, args, options, signal) => {
      // A task that goes on from recorded turns may call a tool before it ever listed one.
      if (asked.size < servers.length) await list(signal);
      const entry = callable().findLast(({ spec }) => spec.name === name);
      if (entry !== undefined) return entry.call(args, options, signal);
      return unknown(
        name,
        callable().map(({ spec }) => spec.name),
      );
    },
  };
}

function healthOf({ name, url }: ToolServer, listing: ToolServerListing): ServerHealth {
  if (listing.kind === "tools") return { name, url, healthy: true };
  return { name, url, healthy: false, message: listing.reason };
}

function entryOf(server: ToolServer, tool: ToolSpec, seen: (health: ServerHealth) => void): Entry {
  const { name, url } = server;
  return {
    spec: { ...tool, name: toolName(name, tool.name) },
    call: async (args, options, signal) => {
      const outcome = await server.call(tool.name, args, options, signal);
      if (outcome.kind === "result") seen({ name, url, healthy: true });
      else if (outcome.code === "tool.unreachable" && !signal.aborted)
        seen({ name, url, healthy: false, message: "it could not be reached for a call" });
      return outcome;
    },
  };
}

function unknown(name: string, names: readonly string[]): ToolOutcome {
  const there = names.length === 0 ? "no tool can be called now" : `callable now: ${names.toSorted().join(", ")}`;
  return { kind: "error", code: "tool.unknown", text: `there is no tool "${name}"; ${there}`, mayPass: false };
}

function withArgumentCheck(tool: SingleTool): Entry {
  let compiled: ReturnType<typeof compileSchema> | undefined;
  return {
    spec: tool.spec,
    call: async (args, options, signal) => {
      const schema = await (compiled ??= compileSchema(tool.spec.inputSchema));
      const faults = schema.kind === "bad" ? [schema.reason] : schema.faults(args);
      if (faults.length === 0) return tool.call(args, options, signal);
      const text = `the arguments do not match the tool's schema: ${faults.join("; ")}`;
      return { kind: "error", code: "tool.failed", text, mayPass: false };
    },
  };
}
