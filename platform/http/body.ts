/**
 * Reads a request body under a limit of size and of time (D38: long bodies are refused, never cut).
 *
 * B1  A declared length above the limit is refused before a byte is read.
 * B2  Not more than the limit is ever held; listeners and timer are gone when the promise resolves.
 */
import type { IncomingMessage } from "node:http";
import type { BodyOutcome } from "./exchange.ts";

export type BodyLimits = { readonly maxBytes: number; readonly timeoutMs: number };

export function declaredBytes(request: IncomingMessage): number {
  const declared = Number(request.headers["content-length"] ?? "0");
  return Number.isFinite(declared) ? declared : 0;
}

/** Never rejects. */
export function readBody(request: IncomingMessage, { maxBytes, timeoutMs }: BodyLimits): Promise<BodyOutcome> {
  if (declaredBytes(request) > maxBytes) return Promise.resolve({ kind: "too-large", maxBytes });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (outcome: BodyOutcome) => {
      clearTimeout(timer);
      request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
      // A later error of this socket is nobody's news any more, but an event without a listener would be thrown.
      request.on("error", () => {});
      request.resume();
      resolve(outcome);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) settle({ kind: "too-large", maxBytes });
      else chunks.push(chunk);
    };
    const onEnd = () => settle({ kind: "read", bytes: Buffer.concat(chunks) });
    const onGone = () => settle({ kind: "aborted" });
    const timer = setTimeout(() => settle({ kind: "slow" }), timeoutMs);
    request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  });
}
