/** What spans and metrics share on their way out: where they go, as whom, and how it is said that they do not arrive. */
import { setTimeout as delay } from "node:timers/promises";
import { ArkError } from "#core/errors.ts";
import type { Logger } from "#core/ports/log.ts";

export type Env = Readonly<Record<string, string | undefined>>;

type Signal = "traces" | "metrics";

/** Where this process sends its signals; empty: nowhere. */
export function endpointOf(env: Env, signal: Signal): string {
  const exporter = env[`OTEL_${signal.toUpperCase()}_EXPORTER`]?.trim().toLowerCase();
  if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || exporter === "none") return "";
  return env["OTEL_EXPORTER_OTLP_ENDPOINT"]?.trim() ?? "";
}

/** `service`, unless `OTEL_SERVICE_NAME` says another. */
export function serviceOf(env: Env, service: string): string {
  return env["OTEL_SERVICE_NAME"]?.trim() || service;
}

/** Throws ArkError. */
export function signalUrl(endpoint: string, signal: Signal): string {
  if (URL.canParse(endpoint) && /^https?:/.test(endpoint)) return `${endpoint.replace(/\/+$/, "")}/v1/${signal}`;
  throw new ArkError(
    "usage",
    "OTEL_EXPORTER_OTLP_ENDPOINT is no address",
    "Give the address of an OTLP/HTTP collector, such as http://collector:4318.",
  );
}

/** As the SDKs want it. */
type Resource = {
  readonly attributes: Record<string, string>;
  merge(other: unknown): Resource;
  getRawAttributes(): [string, string][];
};

/** Nothing is looked up about the machine: names of hosts and users stay here. */
export function resourceOf(attributes: Readonly<Record<string, string>>): Resource {
  const resource: Resource = {
    attributes: { ...attributes },
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}

type Result = { readonly error?: Error };

/** One line when what `name` says begins to be lost, one when it arrives again. */
export function told<T, R extends Result>(
  name: "spans" | "metrics",
  log: Logger,
  send: (batch: T, done: (result: R) => void) => void,
): (batch: T, done: (result: R) => void) => void {
  let failing = false;
  return (batch, done) => {
    send(batch, (result) => {
      const failed = result.error !== undefined;
      if (failed && !failing) log.warn({ err: result.error }, `${name} could not be exported`);
      if (!failed && failing) log.info({}, `${name} are exported again`);
      failing = failed;
      done(result);
    });
  };
}

/** Resolves when `work` has ended, however, and after `ms` at the latest. */
export async function within(ms: number, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = delay(ms, undefined, { signal: over.signal }).catch(() => {});
  // What failed was logged where it failed.
  await Promise.race([work.catch(() => {}), late]);
  over.abort();
}
