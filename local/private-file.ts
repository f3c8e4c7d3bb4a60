/** Small JSON files of the data folder that their owner alone may read, replaced whole or not at all. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import type * as z from "zod";

export type ReadPrivate<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "absent" }
  /** Not of that shape: somebody else wrote it, or a disk lost it. */
  | { readonly kind: "damaged" };

/** Rejects with the system's error where it may not be read. */
export async function readPrivate<T>(file: string, schema: z.ZodType<T>): Promise<ReadPrivate<T>> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return { kind: "absent" };
  try {
    return { kind: "read", value: schema.parse(JSON.parse(text)) };
  } catch {
    return { kind: "damaged" };
  }
}

export async function writePrivate(file: string, value: unknown): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(fresh, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  await rename(fresh, file);
}
