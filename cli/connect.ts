/**
 * Which server a command talks to. One rule: what the flags say; else the `ark up` that the nearest data folder names;
 * else the cluster of the kubeconfig.
 */
import { ArkError } from "#core/errors.ts";
import type { Cluster } from "./cluster.ts";
import type { Io } from "./io.ts";
import { localCluster } from "./local-cluster.ts";
import { placeOf, type ClusterPlace, type PlaceOptions } from "./place.ts";
import { findUpFile } from "./up-file.ts";

export async function connect(options: PlaceOptions, io: Io): Promise<Cluster> {
  const place = placeOf(options, io.env);
  if (place.kind === "cluster") return onKubernetes(place.of, io);
  const dataDir = place.kind === "local" ? place.dataDir : undefined;
  const cluster = await running(dataDir === undefined ? {} : { dataDir }, io);
  if (cluster !== undefined) return cluster;
  if (place.kind === "any") return elsewhere(place.of, io);
  throw new ArkError(
    "server.unreachable",
    `no local server is running for ${dataDir ?? io.cwd}`,
    "Start one here with `ark up`, or run a team once with `ark run FILE`.",
  );
}

export async function running(options: { readonly dataDir?: string }, io: Io): Promise<Cluster | undefined> {
  const up = await findUpFile(io.cwd, options.dataDir);
  return up && localCluster({ url: up.url, token: up.token, signal: io.signal });
}

async function elsewhere(of: ClusterPlace, io: Io): Promise<Cluster> {
  try {
    return await onKubernetes(of, io);
  } catch (error) {
    if (!(error instanceof ArkError && error.code === "server.unreachable")) throw error;
    throw new ArkError(
      "server.unreachable",
      `no local server is running for ${io.cwd}, and ${error.message}`,
      "Start a local one here with `ark up`, or name a cluster: KUBECONFIG, --kubeconfig, --context.",
      { cause: error },
    );
  }
}

async function onKubernetes(of: ClusterPlace, io: Io): Promise<Cluster> {
  const { kubeCluster } = await import("./kube/kube-cluster.ts");
  return kubeCluster({ ...of, tell: io.err });
}
