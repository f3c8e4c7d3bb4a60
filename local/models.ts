/** Which model server answers on this machine: the user's provider, or the scripted one when there is no key. */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { chooseProvider, readProviders } from "#core/agent/provider.ts";
import { ArkError } from "#core/errors.ts";
import { loadScript } from "./model-server/load.ts";
import type { Script } from "./model-server/script.ts";
import { type ModelServer, startModelServer } from "./model-server/server.ts";
import type { Env, Providers } from "./world.ts";

export type ProviderName = "auto" | "mock";

export type Models = AsyncDisposable & {
  readonly providers: Providers;
  /** Every model is the scripted one. */
  readonly scripted: boolean;
  /** Base URL of the scripted server. */
  readonly mockUrl: string;
};

/** Its log is for tests; here it only has to be small. */
const KEEP_REQUESTS = 10;
const KEYS = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"];

/** Throws ArkError `manifest.invalid` for a script with faults. */
export async function startModels(provider: ProviderName, sources: readonly string[], env: Env): Promise<Models> {
  const script = await findScript(sources);
  const server = await startModelServer({ keepRequests: KEEP_REQUESTS, ...(script !== undefined && { script }) });
  const scripted = provider === "mock" || !KEYS.some((key) => (env[key] ?? "") !== "");
  return {
    providers: providersOf(server, scripted),
    scripted,
    mockUrl: server.url,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** An agent that brings a key of its own reaches its provider even where the process has none. */
function providersOf(server: ModelServer, scripted: boolean): Providers {
  const mock = { kind: "provider", provider: { baseUrl: server.url } } as const;
  return (model, env) => {
    const hasOwnKey = KEYS.some((key) => (env[key] ?? "") !== "");
    if (scripted && !hasOwnKey) return mock;
    return chooseProvider(model, { ...readProviders(env), mock: { baseUrl: server.url } });
  };
}

/** `mock.yaml` in the first source folder, or beside the first source file. */
async function findScript(sources: readonly string[]): Promise<Script | undefined> {
  for (const source of sources) {
    for (const folder of [source, path.dirname(source)]) {
      const file = path.join(folder, "mock.yaml");
      const text = await readFile(file, "utf8").catch(() => undefined);
      if (text !== undefined) return parseScript(file, text);
    }
  }
  return undefined;
}

function parseScript(file: string, text: string): Script {
  const loaded = loadScript(text);
  if (loaded.kind === "script") return loaded.script;
  const faults = loaded.faults.map(({ path: at, message }) => `${at}: ${message}`).join("; ");
  throw new ArkError("manifest.invalid", `${file}: ${faults}`, "docs/mock.md shows what a script looks like.");
}
