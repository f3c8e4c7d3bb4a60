/**
 * Where the API server is, and who asks: a kubeconfig, or the pod's own service account.
 *
 * C1  HTTP/1.1 alone: over HTTP/2 the client's undici throws past every handler when a server closes a connection.
 */
import { KubeConfig } from "@kubernetes/client-node";
import { ArkError } from "#core/errors.ts";

export type KubeSource = {
  /** Path of a kubeconfig; default: KUBECONFIG, the pod's own service account, `~/.kube/config`. */
  readonly kubeconfig?: string;
  readonly context?: string;
};

const NO_CONTEXT = "loaded-context";

/** Throws ArkError `server.unreachable` when none can be read. */
export function loadConfig({ kubeconfig, context }: KubeSource): KubeConfig {
  const config = new Http1KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (error) {
    throw noConfig(error instanceof Error ? error.message : String(error));
  }
  // What the client falls back to where nothing is configured.
  if (config.getCurrentCluster()?.server === "http://localhost:8080" && config.getCurrentContext() === NO_CONTEXT)
    throw noConfig("there is none");
  if (context !== undefined) {
    if (config.getContextObject(context) === null) throw noConfig(`the kubeconfig has no context "${context}"`);
    config.setCurrentContext(context);
  }
  refuseWithoutTls(config);
  return config;
}

/** The client refuses it too, but at the first request and as if it were a fault of ours. */
function refuseWithoutTls(config: KubeConfig): void {
  const cluster = config.getCurrentCluster();
  if (cluster?.server.startsWith("http:") !== true || cluster.skipTLSVerify) return;
  const say = "for a `kubectl proxy`, say insecure-skip-tls-verify: true of it";
  throw noConfig(`${cluster.server} is without TLS; ${say}`);
}

/** C1. The connector takes `allowH2` beside the TLS options that the client's type names. */
class Http1KubeConfig extends KubeConfig {
  override createDispatcherOptions(
    ...given: Parameters<KubeConfig["createDispatcherOptions"]>
  ): ReturnType<KubeConfig["createDispatcherOptions"]> {
    const options = super.createDispatcherOptions(...given);
    if (options.type !== "agent") return options;
    const connect = { ...options.connect, allowH2: false };
    return { ...options, connect };
  }
}

export function noConfig(why: string): ArkError {
  return new ArkError(
    "server.unreachable",
    `cannot read a Kubernetes configuration: ${why}`,
    "Set KUBECONFIG or pass --kubeconfig.",
  );
}
