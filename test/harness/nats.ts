/** A real nats-server in one line: `await using nats = await startNats();` free port, own folder, gone at the end. */
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import * as path from "node:path";
import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import * as z from "zod";
import { cacheDir } from "../../local/cache-dir.ts";
import { findNatsServer } from "../../local/nats-server/find.ts";
import { startNatsServer, type RunningNats, type StartOptions } from "../../local/nats-server/start.ts";

const Connz = z.looseObject({
  num_connections: z.number(),
  connections: z.array(
    z.looseObject({
      cid: z.number(),
      name: z.string().default(""),
      subscriptions: z.number(),
      /** Sent to it. */
      out_bytes: z.number(),
    }),
  ),
});
export type Connz = z.infer<typeof Connz>;

const Consumer = z.looseObject({ name: z.string(), stream_name: z.string(), num_ack_pending: z.number() });
const Stream = z.looseObject({
  name: z.string(),
  state: z.looseObject({ messages: z.number(), bytes: z.number(), last_seq: z.number() }),
  consumer_detail: z.array(Consumer).default([]),
});
const Jsz = z
  .looseObject({
    consumers: z.number(),
    messages: z.number(),
    bytes: z.number(),
    account_details: z.array(z.looseObject({ stream_detail: z.array(Stream).default([]) })).default([]),
  })
  .transform((jsz) => ({ ...jsz, streams: jsz.account_details.flatMap((account) => account.stream_detail) }));
export type Jsz = z.infer<typeof Jsz>;

export type TestNats = AsyncDisposable & {
  /** Stays the same over a restart. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly binary: string;
  readonly storeDir: string;
  /** Opens a connection that the end of the block closes. */
  connect(options?: NodeConnectionOptions): Promise<NatsConnection>;
  readonly monitor: { connz(): Promise<Connz>; jsz(): Promise<Jsz> };
  /** Same port, same data; hard: the server is killed as a crash would. */
  restart(options?: { hard?: boolean }): Promise<void>;
  /** Stops the server, keeps its data: for tests of a queue that is away. `restart` brings it back. */
  stop(options?: { hard?: boolean }): Promise<void>;
};

let binary: Promise<string> | undefined;

/** Looks for the binary once per process. */
export function natsBinary(): Promise<string> {
  return (binary ??= find());
}

async function find(): Promise<string> {
  const outcome = await findNatsServer({
    cacheDir: cacheDir(process.env, homedir()),
    env: process.env,
    signal: AbortSignal.timeout(600_000),
  });
  if (outcome.kind === "found") return outcome.path;
  throw new Error(`no nats-server: ${outcome.tried.map(({ source, why }) => `${source}: ${why}`).join("\n")}`);
}

export async function startNats(options: Partial<Omit<StartOptions, "storeDir" | "binary">> = {}): Promise<TestNats> {
  const file = await natsBinary();
  const storeDir = await mkdtemp(path.join(tmpdir(), "ark-nats-"));
  const start = (port?: number) =>
    startNatsServer({
      env: process.env,
      signal: AbortSignal.timeout(30_000),
      ...options,
      ...(port === undefined ? {} : { port }),
      binary: file,
      storeDir,
    });
  let server: RunningNats = await start();
  const connections: NatsConnection[] = [];
  const stop = (hard?: boolean) => (hard === true ? server.kill() : server.stop());
  return {
    url: server.url,
    port: server.port,
    get pid() {
      return server.pid;
    },
    binary: file,
    storeDir,
    connect: async (connectOptions) => {
      const connection = await connect({ servers: server.url, ...options.auth, ...connectOptions });
      connections.push(connection);
      return connection;
    },
    monitor: {
      connz: () => ask(server, "connz?subs=1", Connz),
      jsz: () => ask(server, "jsz?accounts=1&streams=1&consumers=1", Jsz),
    },
    restart: async ({ hard } = {}) => {
      await stop(hard);
      server = await start(server.port);
    },
    stop: ({ hard } = {}) => stop(hard),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    },
  };
}

async function ask<T>(server: RunningNats, question: string, schema: z.ZodType<T>): Promise<T> {
  const response = await fetch(`${server.monitorUrl}/${question}`, { signal: AbortSignal.timeout(20_000) });
  return schema.parse(await response.json());
}
