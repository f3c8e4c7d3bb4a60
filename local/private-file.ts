/** Small JSON files of the data folder that their owner alone may read, replaced whole or not at all. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import type * as z from "zod";

/** Undefined when it is absent or not of that shape: the caller begins anew. */
export async function readPrivate<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export async function writePrivate(file: string, value: unknown): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(fresh, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  await rename(fresh, file);
}
