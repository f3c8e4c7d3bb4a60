/** Texts of steps: inline while short, else in the object store under their digest, where equal texts are one. */
import { createHash } from "node:crypto";
import { Objm, type ObjectStore } from "@nats-io/obj";
import { INLINE_LIMIT_BYTES, PREVIEW_CHARS, type Text } from "#core/events/text.ts";
import { BUCKETS } from "#core/events/subjects.ts";
import type { Outputs } from "#core/ports/record.ts";
import type { Link } from "./link.ts";
import { reached } from "./reached.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** `keep` stores a text of any length; `store` leaves short ones inline. */
export function outputs(link: Link): Outputs & { readonly keep: (text: string) => Promise<Text> } {
  let opened: Promise<ObjectStore> | undefined;
  const open = async (): Promise<ObjectStore> => {
    opened ??= new Objm(link.js).open(BUCKETS.outputs, false);
    opened.catch(() => (opened = undefined));
    return await reached(opened);
  };
  const put = async (text: string, data: Uint8Array): Promise<Text> => {
    const digest = `sha256:${createHash("sha256").update(data).digest("hex")}`;
    const objects = await open();
    if ((await reached(objects.info(digest))) === null) {
      await reached(objects.putBlob({ name: digest }, data, { timeout: link.timeoutMs }));
    }
    return { ref: { digest, bytes: data.length, preview: preview(text) } };
  };
  return {
    store: async (text) => {
      const data = ENCODER.encode(text);
      return data.length <= INLINE_LIMIT_BYTES ? { inline: text } : await put(text, data);
    },
    keep: (text) => put(text, ENCODER.encode(text)),
    load: async (text) => ("inline" in text ? text.inline : await load(await open(), text)),
  };
}

async function load(objects: ObjectStore, { ref }: Extract<Text, { ref: unknown }>): Promise<string> {
  const data = await reached(objects.getBlob(ref.digest));
  if (data === null) throw new Error(`output ${ref.digest} is not in the store any more`);
  return DECODER.decode(data);
}

/** Never half of a surrogate pair. */
function preview(text: string): string {
  const cut = text.slice(0, PREVIEW_CHARS);
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}
