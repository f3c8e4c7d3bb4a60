/** Brings kube-apiserver and etcd into the cache when no place has them. Invariants: see `control-plane.ts`. */
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ArkError } from "#core/errors.ts";
import { takeOwnership, type Ownership } from "../../local/nats-server/ownership.ts";
import type { Platform } from "../../local/nats-server/sources.ts";
import {
  cacheFolder,
  check,
  findControlPlane,
  pairIn,
  type FindOptions,
  type FindOutcome,
  type Tried,
} from "./control-plane.ts";
import { envtestSource, goSource, type Source } from "./sources.ts";

export type BringOptions = FindOptions & {
  onProgress: (message: string) => void;
  sources?: readonly Source[];
  platform?: Platform;
};

/** Never rejects for a source that fails: its reason stands in `tried`. Two processes never bring at once. */
export async function bringControlPlane(options: BringOptions): Promise<FindOutcome> {
  const first = await findControlPlane(options);
  if (first.kind === "found") return first;
  const folder = path.join(options.cacheDir, "control-plane");
  await mkdir(folder, { recursive: true });
  const lock = await waitForLock(folder, options);
  try {
    const again = await findControlPlane(options);
    return again.kind === "found" ? again : await bringFromAny(folder, options, again.tried);
  } finally {
    await lock.release();
  }
}

async function waitForLock(folder: string, { signal, onProgress }: BringOptions): Promise<Ownership> {
  let said = false;
  for (;;) {
    try {
      return await takeOwnership(folder, signal);
    } catch (error) {
      if (!(error instanceof ArkError) || error.code !== "data.locked") throw error;
      if (!said) onProgress(`another process is bringing them: ${error.message}; waiting for it`);
      said = true;
      await delay(500, undefined, { signal });
    }
  }
}

async function bringFromAny(folder: string, options: BringOptions, tried: Tried[]): Promise<FindOutcome> {
  for (const source of options.sources ?? [envtestSource(), goSource]) {
    if (options.signal.aborted) {
      tried.push({ source: source.name, why: "interrupted" });
      break;
    }
    options.onProgress(`trying ${source.name}`);
    const outcome = await bringFrom(source, folder, options);
    if (outcome.kind === "found") return outcome;
    tried.push(...outcome.tried);
    options.onProgress(`${source.name} failed: ${outcome.tried.map(({ why }) => why).join("; ")}`);
  }
  return { kind: "missing", tried };
}

/** B2: the pair is checked in a folder of its own, which is then renamed into the cache. */
async function bringFrom(source: Source, folder: string, options: BringOptions): Promise<FindOutcome> {
  const { env, signal, onProgress } = options;
  const platform = options.platform ?? { os: process.platform, arch: process.arch };
  const failed = (why: string): FindOutcome => ({ kind: "missing", tried: [{ source: source.name, why }] });
  const bringing = await mkdtemp(path.join(folder, ".bringing-"));
  try {
    const outcome = await source.fetch({ folder: bringing, env, platform, signal, onProgress });
    if (outcome.kind === "failed") return failed(outcome.why);
    const checked = await check(pairIn(bringing), source.name, options);
    if (checked.kind === "refused") return failed(checked.why);
    const target = cacheFolder(options.cacheDir, source.version);
    await rm(target, { recursive: true, force: true });
    await rename(bringing, target);
    return { kind: "found", found: { ...checked.found, ...pairIn(target) } };
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  } finally {
    await rm(bringing, { recursive: true, force: true });
  }
}
