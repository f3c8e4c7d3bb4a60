/** The file by which commands find a running `ark up`: address and token, readable by its owner alone. */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import * as z from "zod";
import { parseJson } from "#core/json.ts";

const UpFileSchema = z.object({
  url: z.string(),
  token: z.string(),
  pid: z.int(),
  startedAt: z.union([z.string(), z.number()]).optional(),
});
export type UpFile = { readonly url: string; readonly token: string; readonly pid: number; readonly path: string };

export const DEFAULT_DATA_DIR = ".ark";

/**
 * The `up.json` of `dataDir`, or of the nearest `.ark` in `cwd` and the folders above it.
 * Undefined when there is none, or when the process that wrote it has gone without removing it.
 */
export async function findUpFile(cwd: string, dataDir?: string): Promise<UpFile | undefined> {
  if (dataDir !== undefined) return readUpFile(path.resolve(cwd, dataDir, "up.json"));
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    const found = await readUpFile(path.join(folder, DEFAULT_DATA_DIR, "up.json"));
    if (found !== undefined) return found;
    if (path.dirname(folder) === folder) return undefined;
  }
}

async function readUpFile(file: string): Promise<UpFile | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = UpFileSchema.safeParse(parseJson(text));
  if (!parsed.success || !isAlive(parsed.data.pid)) return undefined;
  const { url, token, pid } = parsed.data;
  return { url, token, pid, path: file };
}

/** EPERM means that the process is there and is somebody else's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
