/** Texts of files that people wrote: what cannot be read, or is no text, is said and never guessed at. */
import { readFile } from "node:fs/promises";
import { getSystemErrorMessage } from "node:util";

export type ReadText =
  | { readonly kind: "read"; readonly text: string }
  | { readonly kind: "refused"; readonly why: string };

export async function readText(file: string): Promise<ReadText> {
  const bytes = await readFile(file).catch(refusal);
  if ("why" in bytes) return { kind: "refused", why: bytes.why };
  try {
    return { kind: "read", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { kind: "refused", why: "not UTF-8 text: save it in that encoding" };
  }
}

/** The system's own words; whatever is no refusal of the system is a bug, and thrown. */
export function refusal(error: unknown): { readonly why: string } {
  const { errno } = error as { readonly errno?: unknown };
  if (typeof errno !== "number") throw error;
  return { why: `cannot be read: ${getSystemErrorMessage(errno)}` };
}
