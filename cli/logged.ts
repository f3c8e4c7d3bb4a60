/** `--log-level debug` of a command that talks to a server: what it asks, how long each answer took, what went wrong. */
import type { Logger } from "#core/ports/log.ts";
import type { Cluster } from "./cluster.ts";

/** The same cluster; streams are told when they begin. Bodies, tokens and Secrets' values are never logged (P7). */
export function logged(cluster: Cluster, log: Logger, now: () => number): Cluster {
  async function told<T>(what: string, of: object, answer: Promise<T>): Promise<T> {
    const start = now();
    try {
      const value = await answer;
      log.debug({ ...of, ms: now() - start }, what);
      return value;
    } catch (error) {
      log.debug({ ...of, ms: now() - start, err: error }, `${what} failed`);
      throw error;
    }
  }
  log.debug({ server: cluster.description }, "connected");
  return {
    description: cluster.description,
    namespace: cluster.namespace,
    get: (kind, key) => told("get", { kind, ...key }, cluster.get(kind, key)),
    list: (kind, options) => told("list", { kind, ...options }, cluster.list(kind, options)),
    create: (kind, object) => told("create", { kind, name: object.metadata.name }, cluster.create(kind, object)),
    patch: (kind, key, patch) => told("patch", { kind, ...key }, cluster.patch(kind, key, patch)),
    delete: (kind, key) => told("delete", { kind, ...key }, cluster.delete(kind, key)),
    output: (run, signal) => told("output", run, cluster.output(run, signal)),
    secret: (key) => told("get", { kind: "Secret", ...key }, cluster.secret(key)),
    fire: (request, signal) => told("fire", request.key, cluster.fire(request, signal)),
    watch: (kind, options, signal) => {
      log.debug({ kind, ...options }, "watch");
      return cluster.watch(kind, options, signal);
    },
    facts: (run, options, signal) => {
      log.debug({ ...run, ...options }, "facts");
      return cluster.facts(run, options, signal);
    },
  };
}
