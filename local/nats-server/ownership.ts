/**
 * Who may run a server on a data folder. A process that is killed outright cannot stop its server, so the next start
 * does.
 *
 * O1  At most one living process owns a folder: the owner file comes into being by an exclusive link, complete.
 * O2  A server whose owner is gone is ended before another one starts on the same folder.
 * O3  A process is ended only when its pid and its start time are those written down.
 */
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { parseJson } from "#core/json.ts";
import { ArkError } from "#core/errors.ts";
import { identify, isRunning, type ProcessIdentity } from "./process-identity.ts";

const Identity = z.object({ pid: z.number().int().positive(), startedAt: z.string() });
const Record = z.object({ owner: Identity, server: Identity.optional() });
type Record = z.infer<typeof Record>;

export type Ownership = {
  /** Writes down which process a later owner may have to end (O2). */
  recordServer(pid: number): Promise<void>;
  release(): Promise<void>;
};

/** Throws ArkError `data.locked` while a living process owns the folder. */
export async function takeOwnership(folder: string, signal: AbortSignal): Promise<Ownership> {
  const file = path.join(folder, "owner.json");
  const owner = await identify(process.pid);
  if (owner === undefined) throw new Error(`process ${process.pid} cannot find itself`);
  await create(file, { owner }, signal);
  return {
    recordServer: async (pid) => {
      const server = await identify(pid);
      if (server !== undefined) await replace(file, { owner, server });
    },
    release: () => rm(file, { force: true }),
  };
}

async function create(file: string, record: Record, signal: AbortSignal): Promise<void> {
  const own = `${file}.${process.pid}`;
  await writeFile(own, JSON.stringify(record), { mode: 0o600 });
  try {
    while (!(await tryLink(own, file))) {
      signal.throwIfAborted();
      await clearStale(file, signal);
    }
  } finally {
    await rm(own, { force: true });
  }
}

/** O1: a link either makes the whole file or finds one there. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  }
}

async function clearStale(file: string, signal: AbortSignal): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const record = parse(text);
  if (record !== undefined && (await isRunning(record.owner))) {
    throw new ArkError(
      "data.locked",
      `the data folder ${path.dirname(file)} is in use by process ${record.owner.pid}`,
      "Stop that process, or choose another data folder.",
    );
  }
  if (record?.server !== undefined) await endProcess(record.server, signal);
  await moveAside(file, text);
}

/** Two starters may see the same stale file; only the one whose rename catches that very file removes it. */
async function moveAside(file: string, seen: string): Promise<void> {
  const aside = `${file}.stale.${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (isCode(error, "ENOENT")) return;
    throw error;
  }
  const moved = await readFile(aside, "utf8");
  if (moved !== seen) await tryLink(aside, file);
  await rm(aside, { force: true });
}

async function replace(file: string, record: Record): Promise<void> {
  const next = `${file}.next.${process.pid}`;
  await writeFile(next, JSON.stringify(record), { mode: 0o600 });
  await rename(next, file);
}

/** O3: SIGTERM, then SIGKILL after five seconds. Returns when the process is gone. */
async function endProcess(who: ProcessIdentity, signal: AbortSignal): Promise<void> {
  const killAt = performance.now() + 5_000;
  let sent: NodeJS.Signals | undefined;
  while (await isRunning(who)) {
    signal.throwIfAborted();
    const wanted = performance.now() < killAt ? "SIGTERM" : "SIGKILL";
    if (sent !== wanted) sendSignal(who.pid, wanted);
    sent = wanted;
    await delay(10);
  }
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!isCode(error, "ESRCH")) throw error;
  }
}

function parse(text: string): Record | undefined {
  return Record.safeParse(parseJson(text)).data;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
