/** An answer of a server that is held in memory whole. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Throws where it breaks off, and where it is larger than anybody's answer. */
export async function answerText(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`its answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
