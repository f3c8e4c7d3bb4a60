/**
 * One held `POST /wake`: what keeps one worker slot of a sleeping function awake (knative 5.2).
 *
 * H1  It ends with the function's answer, with its connection, or with the signal; never by a limit of the whole.
 * H2  A function that says nothing for `SILENCE_MS` is gone: it writes a line every 15 s.
 */
import { request } from "node:http";
import { innermostReason } from "#core/causes.ts";

export type HoldOutcome =
  /** The function ended it: idle, draining, or cut by its own limit. */
  { readonly kind: "ended" } | { readonly kind: "failed"; readonly reason: string };

/** Also the longest that an activator may take to start a pod. */
const SILENCE_MS = 120_000;

/** Never rejects. */
export function hold(url: string, signal: AbortSignal): Promise<HoldOutcome> {
  return new Promise((resolve) => {
    const failed = (error: unknown) => resolve({ kind: "failed", reason: innermostReason(error) });
    const asked = request(`${url}/wake`, { method: "POST", agent: false, timeout: SILENCE_MS, signal });
    asked.on("timeout", () => asked.destroy(new Error("silent")));
    asked.on("error", failed);
    asked.on("response", (response) => {
      const { statusCode = 0 } = response;
      response.resume();
      response.on("error", failed);
      response.on("close", () => {
        if (statusCode === 200) resolve({ kind: "ended" });
        else failed(`HTTP ${statusCode}`);
      });
    });
    asked.setHeader("content-length", "0");
    asked.end();
  });
}
