/** What the command needs of local mode; `local/local.ts` is loaded only when a command starts it. */
import type { ArkObject } from "#core/api/objects.ts";
import type { ServicePort } from "#core/ports/services.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Cluster } from "./cluster.ts";
import type { Io } from "./io.ts";
import { localCluster } from "./local-cluster.ts";

export type ProviderName = "auto" | "mock";
export type OpenPort = ServicePort & { readonly namespace: string; readonly name: string };
type LocalOptions = {
  readonly sources: readonly string[];
  readonly dataDir: string;
  /** 0: any free port. */
  readonly port: number;
  readonly provider: ProviderName;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Ports that services declare are opened. */
  readonly opensPorts?: boolean;
  /** What differs from the manifests. */
  readonly adjust?: (object: ArkObject) => ArkObject;
};

export type StartLocal = (options: LocalOptions) => Promise<{
  readonly url: string;
  readonly token: string;
  /** Every model is the built-in scripted one. */
  readonly scripted: boolean;
  /** Ports of services, those that are open. */
  openPorts(): readonly OpenPort[];
  /** Resolves when it has failed for good. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
  /** The same, without the time that work in hand has to end. */
  stopNow(): Promise<void>;
}>;

/** Which model server answers, in words: nobody shall take a script's answer for a model's. */
export function modelsText({ scripted }: { readonly scripted: boolean }): string {
  return scripted
    ? "Models: the built-in scripted model server (mock.yaml where there is one). Set OPENAI_API_KEY for a real one."
    : "Models: the providers of your API keys.";
}

export function clusterOf(local: { readonly url: string; readonly token: string }, io: Io): Cluster {
  return localCluster({ url: local.url, token: local.token, signal: io.signal });
}
