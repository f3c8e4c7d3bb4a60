/** The nats-server of this machine and the connection to it; found or brought, on the data folder. */
import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ArkError } from "#core/errors.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Meters } from "#core/ports/meters.ts";
import { type JetStream, openJetStream } from "#platform/jetstream/jetstream.ts";
import { cacheDir } from "./cache-dir.ts";
import { findNatsServer } from "./nats-server/find.ts";
import { type RunningNats, startNatsServer } from "./nats-server/start.ts";
import type { Env } from "./world.ts";

export type Store = AsyncDisposable & {
  readonly js: JetStream;
  readonly server: Pick<Server, "url" | "pid" | "failed">;
};

/** Throws ArkError: `nats.missing`, `nats.too_old`, `data.locked`, `timeout`, `interrupted`. */
export async function openStore(
  dataDir: string,
  env: Env,
  meters: Meters,
  log: Logger,
  signal: AbortSignal,
): Promise<Store> {
  const binary = await natsBinary(env, log, signal);
  const token = randomBytes(24).toString("hex");
  const storeDir = path.join(dataDir, "nats");
  const start = (port: number, ends: AbortSignal) => {
    const limits = { maxPayloadBytes: MAX_PAYLOAD_BYTES };
    return startNatsServer({ binary, storeDir, env, port, auth: { token }, ...limits, log, signal: ends });
  };
  const server = new Server(await start(-1, signal), start, log);
  try {
    const js = await openJetStream({
      url: server.url,
      auth: { token },
      name: "ark-up",
      signal,
      meters,
      leaseTtlMs: LEASE_MS,
      taskAckWaitMs: LEASE_MS,
    });
    await js.provision({ ackWaitMs: LEASE_MS });
    return {
      js,
      server,
      async [Symbol.asyncDispose]() {
        await js.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Work of a process that was killed is taken up again after this long: one process owns the store, so it may be short. */
export const LEASE_MS = 8_000;
/** A webhook body of 1 MiB and what is said about it. */
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
const RESTART_MS = 500;
const RESTARTS = 20;

/** `ends` ends a start that is under way. */
type Start = (port: number, ends: AbortSignal) => Promise<RunningNats>;

/** A nats-server that dies is started again on its port: clients reconnect, and nothing that was stored is gone (P8). */
class Server {
  readonly #start: Start;
  readonly #log: Logger;
  readonly url: string;
  readonly #port: number;
  readonly #watching: Promise<void>;
  readonly #stopping = new AbortController();
  #fail: (error: Error) => void = () => {};
  #nats: RunningNats;

  constructor(nats: RunningNats, start: Start, log: Logger) {
    this.#nats = nats;
    this.#start = start;
    this.#log = log;
    this.url = nats.url;
    this.#port = nats.port;
    this.#watching = this.#keep();
  }

  /** Resolves when the server cannot be brought back. */
  readonly failed = new Promise<Error>((resolve) => {
    this.#fail = resolve;
  });

  get pid(): number {
    return this.#nats.pid;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#nats.stop();
    await this.#watching;
  }

  async #keep(): Promise<void> {
    for (;;) {
      const exit = await this.#nats.exited;
      if (this.#stopping.signal.aborted) return;
      this.#log.error({ ...exit }, "nats-server ended; starting it again");
      // Gives the data folder free, which the next server is to own.
      await this.#nats.stop();
      await this.#again();
    }
  }

  async #again(): Promise<void> {
    for (let tries = 1; !this.#stopping.signal.aborted; tries++) {
      try {
        this.#nats = await this.#start(this.#port, this.#stopping.signal);
        if (this.#stopping.signal.aborted) await this.#nats.stop();
        return;
      } catch (error) {
        this.#log.error({ err: error }, "nats-server could not be started");
        if (tries === RESTARTS) this.#fail(error instanceof Error ? error : new Error(String(error)));
        await delay(RESTART_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }
}

/** Minutes may pass in which nothing else is said. */
function sayOnce(log: Logger): (message: string) => void {
  let said = false;
  return (step) => {
    log[said ? "info" : "warn"]({ step }, "bringing nats-server, which takes a while this once");
    said = true;
  };
}

async function natsBinary(env: Env, log: Logger, signal: AbortSignal): Promise<string> {
  const found = await findNatsServer({
    cacheDir: cacheDir(env, homedir()),
    env,
    signal,
    onProgress: sayOnce(log),
  });
  if (found.kind === "found") return found.path;
  const tried = found.tried.map(({ source, why }) => `  ${source}: ${why}`).join("\n");
  throw new ArkError(
    "nats.missing",
    `no nats-server was found or could be brought:\n${tried}`,
    "Install nats-server 2.12 or later and put it on PATH.",
  );
}
