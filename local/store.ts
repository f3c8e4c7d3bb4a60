/** The nats-server of this machine and the connection to it; found or brought, on the data folder. */
import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import * as path from "node:path";
import { ArkError } from "#core/errors.ts";
import type { Logger } from "#core/ports/log.ts";
import { type JetStream, openJetStream } from "#platform/jetstream/jetstream.ts";
import { cacheDir } from "./cache-dir.ts";
import { findNatsServer } from "./nats-server/find.ts";
import { type RunningNats, startNatsServer } from "./nats-server/start.ts";
import type { Env } from "./world.ts";

export type Store = AsyncDisposable & { readonly js: JetStream; readonly nats: RunningNats };

/** Throws ArkError: `nats.missing`, `nats.too_old`, `data.locked`, `timeout`, `interrupted`. */
export async function openStore(dataDir: string, env: Env, log: Logger, signal: AbortSignal): Promise<Store> {
  const binary = await natsBinary(env, log, signal);
  const token = randomBytes(24).toString("hex");
  const storeDir = path.join(dataDir, "nats");
  const nats = await startNatsServer({ binary, storeDir, env, auth: { token }, log, signal });
  try {
    const js = await openJetStream({ url: nats.url, auth: { token }, name: "ark-up", signal });
    await js.provision();
    return {
      js,
      nats,
      async [Symbol.asyncDispose]() {
        await js.close();
        await nats.stop();
      },
    };
  } catch (error) {
    await nats.stop();
    throw error;
  }
}

async function natsBinary(env: Env, log: Logger, signal: AbortSignal): Promise<string> {
  const found = await findNatsServer({
    cacheDir: cacheDir(env, homedir()),
    env,
    signal,
    onProgress: (message) => log.info({ step: message }, "bringing nats-server"),
  });
  if (found.kind === "found") return found.path;
  const tried = found.tried.map(({ source, why }) => `  ${source}: ${why}`).join("\n");
  throw new ArkError(
    "nats.missing",
    `no nats-server was found or could be brought:\n${tried}`,
    "Install nats-server 2.12 or later and put it on PATH.",
  );
}
