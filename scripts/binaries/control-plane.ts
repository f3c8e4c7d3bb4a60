/**
 * Finds kube-apiserver and etcd: KUBEBUILDER_ASSETS, cache, PATH, in this order. `bring.ts` goes further.
 *
 * B1  A pair that is returned are two binaries that answered `--version` with the minimum or later.
 * B2  A version's folder in the cache is whole or absent: it comes in by rename, from the same file system.
 * B3  A download is taken only with the right digest; Go checks its own module sums.
 */
import * as path from "node:path";
import { findOnPath, isExecutable, type Env } from "../../local/nats-server/command.ts";
import { isAtLeast, readVersion } from "../../local/nats-server/version.ts";
import { CONTROL_PLANE } from "../../local/versions.ts";

export type Tried = { source: string; why: string };

export type ControlPlane = { apiServer: string; etcd: string; version: string; source: string };

export type FindOutcome = { kind: "found"; found: ControlPlane } | { kind: "missing"; tried: Tried[] };

export type FindOptions = {
  /** `<cacheDir>/control-plane/<version>` holds a pair; see `local/cache-dir.ts`. */
  cacheDir: string;
  /** KUBEBUILDER_ASSETS and PATH are read; programs run with it. */
  env: Env;
  signal: AbortSignal;
};

type Pair = { apiServer: string; etcd: string };
type CheckOutcome = { kind: "found"; found: ControlPlane } | { kind: "refused"; why: string };

export function cacheFolder(cacheDir: string, version: string): string {
  return path.join(cacheDir, "control-plane", version);
}

/** Looks, and brings nothing. Never rejects. */
export async function findControlPlane(options: FindOptions): Promise<FindOutcome> {
  const tried: Tried[] = [];
  for (const [source, pair] of await places(options)) {
    const outcome = typeof pair === "string" ? pair : await check(pair, source, options);
    if (typeof outcome === "string") tried.push({ source, why: outcome });
    else if (outcome.kind === "refused") tried.push({ source, why: outcome.why });
    else return outcome;
  }
  return { kind: "missing", tried };
}

/** Each place with the pair to look at there, or why there is none. */
async function places({ cacheDir, env }: FindOptions): Promise<[source: string, pair: Pair | string][]> {
  const assets = env["KUBEBUILDER_ASSETS"] ?? "";
  const versions = [CONTROL_PLANE.kubernetes, CONTROL_PLANE.envtest.version];
  const [apiServer, etcd] = [await findOnPath("kube-apiserver", env), await findOnPath("etcd", env)];
  const onPath = apiServer !== undefined && etcd !== undefined ? { apiServer, etcd } : undefined;
  return [
    ["KUBEBUILDER_ASSETS", assets === "" ? "is not set" : pairIn(assets)],
    ...versions.map((version): [string, Pair] => ["cache", pairIn(cacheFolder(cacheDir, version))]),
    ["PATH", onPath ?? `no ${apiServer === undefined ? "kube-apiserver" : "etcd"} there`],
  ];
}

export function pairIn(folder: string): Pair {
  return { apiServer: path.join(folder, "kube-apiserver"), etcd: path.join(folder, "etcd") };
}

/** B1. Never rejects. */
export async function check(
  pair: Pair,
  source: string,
  { env, signal }: Pick<FindOptions, "env" | "signal">,
): Promise<CheckOutcome> {
  const { minimum } = CONTROL_PLANE;
  let version = "";
  for (const [file, wanted] of [
    [pair.etcd, minimum.etcd],
    [pair.apiServer, minimum.kubernetes],
  ] as const) {
    if (!(await isExecutable(file))) return { kind: "refused", why: `no ${file}` };
    const outcome = await readVersion(file, env, signal);
    if (outcome.kind === "unreadable") return { kind: "refused", why: `${file}: ${outcome.why}` };
    if (!isAtLeast(outcome.version, wanted)) {
      return { kind: "refused", why: `${file} is ${outcome.version}, the tests need ${wanted} or later` };
    }
    version = outcome.version;
  }
  return { kind: "found", found: { ...pair, version, source } };
}

export function describeTried(tried: readonly Tried[]): string {
  return tried.map(({ source, why }) => `  ${source}: ${why}`).join("\n");
}
