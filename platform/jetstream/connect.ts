/**
 * One connection per process.
 *
 * C1  A server without message schedules (below 2.12) is refused at the start, by name, before any work is taken.
 * C2  Once made, the connection comes back by itself, for ever; requests meanwhile end in `StoreUnavailable`.
 * C3  Credentials are read again for each attempt, so that they may rotate.
 */
import { readFileSync } from "node:fs";
import {
  connect,
  credsAuthenticator,
  deferred,
  type NatsConnection,
  type NodeConnectionOptions,
} from "@nats-io/transport-node";
import { ArkError } from "#core/errors.ts";

export type ConnectOptions = {
  readonly url: string;
  /** Path of a `.creds` file. */
  readonly creds?: string;
  /** Where answers come in; a user's permissions may say. */
  readonly inbox?: string;
  readonly auth?: { readonly token: string } | { readonly user: string; readonly password: string };
  /** Shows in the server's list of connections. */
  readonly name: string;
  /** Ends a connection attempt; an open connection is ended by closing it. */
  readonly signal: AbortSignal;
  readonly connectTimeoutMs?: number;
};

const OLDEST_SERVER = { major: 2, minor: 12 } as const;

/** Throws ArkError: `nats.unreachable`, `nats.too_old`, `interrupted`. */
export async function connectNats(options: ConnectOptions): Promise<NatsConnection> {
  const connection = await dial(options);
  const version = connection.info?.version ?? "unknown";
  if (!isSupported(version)) {
    await connection.close();
    throw new ArkError(
      "nats.too_old",
      `nats-server at ${redacted(options.url)} is version ${version}; Ark needs 2.12 or later (message schedules)`,
      "Upgrade nats-server to 2.12 or later.",
    );
  }
  return connection;
}

export function isSupported(version: string): boolean {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > OLDEST_SERVER.major || (major === OLDEST_SERVER.major && minor >= OLDEST_SERVER.minor);
}

async function dial(options: ConnectOptions): Promise<NatsConnection> {
  if (options.signal.aborted) throw interrupted();
  const pending = connect(clientOptions(options));
  const aborted = deferred<never>();
  const onAbort = () => aborted.reject(interrupted());
  options.signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([pending, aborted]);
  } catch (error) {
    if (error instanceof ArkError) {
      pending.then((late) => late.close()).catch(() => {});
      throw error;
    }
    throw new ArkError(
      "nats.unreachable",
      `cannot connect to NATS at ${redacted(options.url)}: ${error instanceof Error ? error.message : String(error)}`,
      "Check that nats-server runs there and that the credentials are right.",
      { cause: error },
    );
  } finally {
    options.signal.removeEventListener("abort", onAbort);
  }
}

function clientOptions(options: ConnectOptions): NodeConnectionOptions {
  return {
    servers: options.url.split(","),
    name: options.name,
    timeout: options.connectTimeoutMs ?? 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 500,
    pingInterval: 20_000,
    maxPingOut: 2,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(options.inbox !== undefined && { inboxPrefix: options.inbox }),
    ...authentication(options),
  };
}

function authentication(options: ConnectOptions): NodeConnectionOptions {
  const { creds, auth } = options;
  if (creds !== undefined) return { authenticator: credsAuthenticator(() => readFileSync(creds)) };
  if (auth === undefined) return {};
  return "token" in auth ? { token: auth.token } : { user: auth.user, pass: auth.password };
}

/** A URL may carry a password (P7). */
function redacted(url: string): string {
  return url.replaceAll(/\/\/[^@/]*@/g, "//***@");
}

function interrupted(): ArkError {
  return new ArkError("interrupted", "interrupted while connecting to NATS", "Start it again.");
}
