/** JSON lines on standard output, through pino. No transports: they start a thread, and do not bundle (style 10). */
import { pino } from "pino";
import type { Logger } from "#core/ports/log.ts";

export type LogOptions = {
  /** Name of the process. */
  readonly name: string;
  readonly level: "debug" | "info" | "warn" | "error";
};

export function createLog({ name, level }: LogOptions): Logger {
  return pino({
    name,
    level,
    base: { name },
    // An error of a client may carry the request it made, with its headers (P7).
    redact: { paths: ["*.headers", "*.*.headers", "*.request", "*.response", "*.config"], remove: true },
  });
}
