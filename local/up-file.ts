/** `up.json`: how the `ark` command finds a running `ark up` and proves that it may use it. Its owner alone reads it. */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import * as path from "node:path";
import { writePrivate } from "./private-file.ts";

export function newToken(): string {
  return randomBytes(32).toString("hex");
}

export async function writeUpFile(
  dataDir: string,
  up: { readonly url: string; readonly token: string },
): Promise<void> {
  const startedAt = new Date().toISOString();
  await writePrivate(path.join(dataDir, "up.json"), { ...up, pid: process.pid, startedAt });
}

export function removeUpFile(dataDir: string): Promise<void> {
  return rm(path.join(dataDir, "up.json"), { force: true });
}
