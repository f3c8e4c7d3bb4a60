import { innermostReason } from "#core/causes.ts";

export type DownloadOutcome = { kind: "bytes"; bytes: Buffer } | { kind: "failed"; why: string };

/** GETs one file into memory, with limits on time and size. Never rejects. */
export async function download(
  url: string,
  options: { timeoutMs: number; maxBytes: number; signal: AbortSignal },
): Promise<DownloadOutcome> {
  try {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return { kind: "failed", why: `${url} answered ${response.status}` };
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      size += chunk.byteLength;
      if (size > options.maxBytes) return { kind: "failed", why: `${url} is larger than ${options.maxBytes} bytes` };
      chunks.push(chunk);
    }
    return { kind: "bytes", bytes: Buffer.concat(chunks) };
  } catch (error) {
    return { kind: "failed", why: `${url}: ${innermostReason(error)}` };
  }
}
