/** Names that models may call tools by: OpenAI's `^[a-zA-Z0-9_-]{1,64}$`, which the other providers share. */
import { sha256Hex } from "#core/template/sha256.ts";

const MOST_CHARS = 64;
const HASH_CHARS = 8;

/** `{server}__{tool}`; what had to be changed ends in a digest of the true name, so that two never fall together. */
export function toolName(server: string, tool: string): string {
  const wanted = `${server}__${tool}`;
  const legal = wanted.replace(/[^a-zA-Z0-9_-]/g, "_");
  if (legal === wanted && legal.length <= MOST_CHARS) return legal;
  const digest = sha256Hex(new TextEncoder().encode(wanted)).slice(0, HASH_CHARS);
  return `${legal.slice(0, MOST_CHARS - HASH_CHARS - 1)}_${digest}`;
}
