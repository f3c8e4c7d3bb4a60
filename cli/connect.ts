/** Which server a command talks to: the `ark up` that the data folder names. */
import { ArkError } from "#core/errors.ts";
import type { Cluster } from "./cluster.ts";
import type { Io } from "./io.ts";
import { localCluster } from "./local-cluster.ts";
import { findUpFile } from "./up-file.ts";

export async function connect(options: { readonly dataDir?: string }, io: Io): Promise<Cluster> {
  const cluster = await running(options, io);
  if (cluster !== undefined) return cluster;
  throw new ArkError(
    "server.unreachable",
    `no local server is running for ${options.dataDir ?? io.cwd}`,
    "Start one here with `ark up`, or run a team once with `ark run FILE`.",
  );
}

export async function running(options: { readonly dataDir?: string }, io: Io): Promise<Cluster | undefined> {
  const up = await findUpFile(io.cwd, options.dataDir);
  return up && localCluster({ url: up.url, token: up.token, signal: io.signal });
}
